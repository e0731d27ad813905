import { useEffect, useRef, useState } from "preact/hooks";
import { openFile, openVideoFrame } from "../state/source.ts";
import { Dialog } from "./dialog.tsx";

/** A live view and a shutter; where the browser gives no camera to pages, the phone's own camera app. */
export function CameraDialog({ close }: { close: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<"waiting" | "live" | "refused">("waiting");

  useEffect(() => {
    let stream: MediaStream | null = null;
    let left = false;
    const open = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (left) return end(stream);
        if (video.current) video.current.srcObject = stream;
      } catch {
        setState("refused");
      }
    };
    void open();
    return () => {
      left = true;
      end(stream);
    };
  }, []);

  const shoot = () => {
    if (video.current) openVideoFrame(video.current);
    close();
  };
  return (
    <Dialog title="Camera" close={close}>
      {state === "refused" ? (
        <p>
          This page cannot use the camera. Allow it in the browser's settings, or{" "}
          <label class="link">
            take a photo with the camera app
            <input
              type="file"
              accept="image/*"
              capture="environment"
              class="unseen"
              onChange={({ currentTarget }) => {
                const [photo] = currentTarget.files ?? [];
                if (photo) void openFile(photo, "Photo").then(close);
              }}
            />
          </label>
          .
        </p>
      ) : (
        <>
          {/* Live only once there is a frame: before, a photo would be blank. */}
          <video
            ref={video}
            autoplay
            playsInline
            muted
            aria-label="Live view of the camera"
            onLoadedData={() => setState("live")}
          />
          <button type="button" class="primary" disabled={state !== "live"} onClick={shoot}>
            Take the photo
          </button>
        </>
      )}
    </Dialog>
  );
}

function end(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

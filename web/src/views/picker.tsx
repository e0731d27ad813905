import { useRef, useState } from "preact/hooks";
import { SHIPPED } from "../picture/shipped.ts";
import { openFile, openShipped, source, sourceProblem } from "../state/source.ts";
import { CameraDialog } from "./camera.tsx";

/** Where a picture comes from: the shipped ones, a file, the camera, the clipboard. (Dropping: `drop.tsx`.) */
export function Picker() {
  const file = useRef<HTMLInputElement>(null);
  const [camera, setCamera] = useState(false);
  return (
    <section class="picker" aria-label="Choose a picture">
      <ul class="shipped">
        {SHIPPED.map((picture) => (
          <li key={picture.id}>
            <button
              type="button"
              aria-pressed={source.value.shipped === picture.id}
              aria-label={picture.label}
              title={picture.label}
              onClick={() => void openShipped(picture)}
            >
              <img src={picture.address} width="32" height="32" alt="" />
            </button>
          </li>
        ))}
      </ul>
      <div class="own">
        <button type="button" onClick={() => file.current?.click()}>
          Choose a file
        </button>
        <input
          ref={file}
          type="file"
          accept="image/*"
          class="unseen"
          aria-label="Picture file"
          tabIndex={-1}
          onChange={({ currentTarget }) => {
            const [chosen] = currentTarget.files ?? [];
            if (chosen) void openFile(chosen, chosen.name);
            currentTarget.value = "";
          }}
        />
        <button type="button" onClick={() => setCamera(true)}>
          Camera
        </button>
        <button type="button" onClick={() => void pasteFromClipboard()}>
          Paste
        </button>
        <span class="hint">or drop one anywhere</span>
      </div>
      {sourceProblem.value && (
        <p class="problem" role="alert">
          {sourceProblem.value}
        </p>
      )}
      {camera && <CameraDialog close={() => setCamera(false)} />}
    </section>
  );
}

/** The button's way; Ctrl+V needs no permission and is handled in `drop.tsx`. */
async function pasteFromClipboard(): Promise<void> {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((name) => name.startsWith("image/"));
      if (type) return await openFile(await item.getType(type), "Pasted picture");
    }
    sourceProblem.value = "There is no picture on the clipboard. Copy one first.";
  } catch {
    sourceProblem.value = "The browser does not let this page read the clipboard. Press Ctrl+V (or ⌘V) instead.";
  }
}

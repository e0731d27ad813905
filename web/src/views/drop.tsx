import { useLayoutEffect, useState } from "preact/hooks";
import { side } from "../state/settings.ts";
import { openFile, sourceProblem } from "../state/source.ts";

/** Takes pictures that are dropped anywhere on the page, or pasted with the keyboard. */
export function DropAndPaste() {
  const [over, setOver] = useState(false);
  useLayoutEffect(() => {
    const take = (transfer: DataTransfer | null, label: string) => {
      const file = [...(transfer?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (file) void openFile(file, file.name || label);
      else if (transfer && transfer.files.length > 0)
        sourceProblem.value = "This is not a picture. Drop a PNG, JPEG, WebP, GIF or AVIF.";
    };
    const handlers = {
      dragover: (event: DragEvent) => {
        event.preventDefault();
        setOver(event.dataTransfer?.types.includes("Files") ?? false);
      },
      dragleave: (event: DragEvent) => {
        if (event.relatedTarget === null) setOver(false);
      },
      drop: (event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer, "Dropped picture");
      },
      paste: (event: ClipboardEvent) => take(event.clipboardData, "Pasted picture"),
    };
    window.addEventListener("dragover", handlers.dragover);
    window.addEventListener("dragleave", handlers.dragleave);
    window.addEventListener("drop", handlers.drop);
    window.addEventListener("paste", handlers.paste);
    return () => {
      window.removeEventListener("dragover", handlers.dragover);
      window.removeEventListener("dragleave", handlers.dragleave);
      window.removeEventListener("drop", handlers.drop);
      window.removeEventListener("paste", handlers.paste);
    };
  }, []);
  return over ? (
    <div class="drop-here" aria-hidden="true">
      <p>Drop the picture here: its middle square is used, {side} pixels wide</p>
    </div>
  ) : null;
}

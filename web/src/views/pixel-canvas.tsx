import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface PixelCanvasProps {
  /** The picture: a PNG of its own size. The last one stays until the next is decoded, so that nothing flickers. */
  dataUri: string;
  label: string;
  class?: string;
}

/** A picture with crisp pixels; transparent ones show the canvas's own pattern. It has the picture's size once that is decoded. */
export function PixelCanvas({ dataUri, label, class: className = "" }: PixelCanvasProps) {
  const element = useRef<HTMLCanvasElement>(null);
  const painted = useSignal("");
  useEffect(() => {
    let outdated = false;
    const image = new Image();
    image.onload = () => {
      const context = outdated ? null : element.current?.getContext("2d");
      if (!context) return;
      // Setting the size clears it.
      context.canvas.width = image.naturalWidth;
      context.canvas.height = image.naturalHeight;
      context.drawImage(image, 0, 0);
      painted.value = dataUri;
    };
    image.src = dataUri;
    return () => {
      outdated = true;
    };
  }, [dataUri, painted]);
  return (
    <canvas
      ref={element}
      role="img"
      aria-label={label}
      aria-busy={painted.value !== dataUri}
      class={`pixels ${className}`}
    />
  );
}

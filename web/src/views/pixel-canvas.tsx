import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SIDE } from "../picture/picture.ts";

interface PixelCanvasProps {
  /** The picture: a PNG of 32x32. The last one stays until the next is decoded, so that nothing flickers. */
  dataUri: string;
  label: string;
  class?: string;
}

/** A 32x32 picture with crisp pixels; transparent ones show the canvas's own pattern. */
export function PixelCanvas({ dataUri, label, class: className = "" }: PixelCanvasProps) {
  const element = useRef<HTMLCanvasElement>(null);
  const painted = useSignal("");
  useEffect(() => {
    let outdated = false;
    const image = new Image();
    image.onload = () => {
      const context = outdated ? null : element.current?.getContext("2d");
      if (!context) return;
      context.clearRect(0, 0, SIDE, SIDE);
      context.drawImage(image, 0, 0, SIDE, SIDE);
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
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label={label}
      aria-busy={painted.value !== dataUri}
      class={`pixels ${className}`}
    />
  );
}

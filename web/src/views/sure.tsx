/** "How sure was it": each pixel's surprise as a heat map. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { heat } from "../picture/colors.ts";
import { type AlbumPicture, album, albumError, lookingAt, measureLikelihood, selected } from "../state/album.ts";
import { model } from "../state/settings.ts";
import { AlbumStrip, NothingYet } from "./album-strip.tsx";
import { PixelCanvas } from "./pixel-canvas.tsx";
import { Problem } from "./problem.tsx";

export function SurePanel() {
  const picture = selected.value;
  if (!picture || album.value.length === 0) return <NothingYet />;
  const measure = () => {
    if (selected.value) void measureLikelihood(selected.value);
  };
  return (
    <>
      <AlbumStrip choose={measure} />
      <Problem error={albumError.value} retry={measure} />
      {picture.likelihood ? (
        <HeatMap picture={picture} />
      ) : (
        <div class="sure">
          <PixelCanvas dataUri={picture.dataUri} label={picture.label} />
          <div class="sure-text">
            <p>The model can read a whole picture and say how surprised it is by each pixel, given those before it.</p>
            <button type="button" class="primary" disabled={lookingAt.value !== null} onClick={measure}>
              {lookingAt.value === "likelihood" ? "Reading…" : "Show how sure it was"}
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function HeatMap({ picture }: { picture: AlbumPicture }) {
  const map = useRef<HTMLCanvasElement>(null);
  const pointed = useSignal<number | null>(null);
  const perPixel = picture.likelihood?.perPixel ?? [];
  const most = scaleTop(perPixel);
  const side = Math.sqrt(perPixel.length);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `most` and `side` follow from perPixel.
  useLayoutEffect(() => {
    const context = map.current?.getContext("2d");
    if (!context) return;
    const pixels = new Uint8ClampedArray(perPixel.length * 4);
    for (const [i, nats] of perPixel.entries()) pixels.set([...heat(nats / most), 255], i * 4);
    context.putImageData(new ImageData(pixels, side, side), 0, 0);
  }, [perPixel]);

  const point = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = Math.min(side - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * side)));
    const y = Math.min(side - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * side)));
    pointed.value = y * side + x;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -side, ArrowDown: side, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    pointed.value = Math.min(perPixel.length - 1, Math.max(0, (pointed.value ?? perPixel.length / 2) + step));
  };
  const at = pointed.value;
  const colors = model.value?.colors;
  const blindGuess = colors ? ` A blind guess among ${colors} colours is ${Math.log(colors).toFixed(2)} nats.` : "";
  return (
    <div class="sure">
      <PixelCanvas dataUri={picture.dataUri} label={picture.label} />
      <div class="heat">
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an application takes the keys itself. */}
        <canvas
          ref={map}
          width={side}
          height={side}
          class="pixels"
          tabIndex={0}
          role="application"
          aria-roledescription="heat map"
          aria-label="Surprise of each pixel: arrow keys read single pixels"
          onPointerMove={point}
          onClick={point}
          onKeyDown={onKeyDown}
        />
        {at !== null && <Marker at={at} side={side} />}
      </div>
      <div class="sure-text">
        <dl>
          <dt>Mean surprise</dt>
          <dd>
            {picture.likelihood?.nllPerPixel.toFixed(2)} nats{" "}
            <small>{picture.likelihood?.bitsPerPixel.toFixed(2)} bits a pixel</small>
          </dd>
          <dt>Upper half</dt>
          <dd>{mean(perPixel.slice(0, perPixel.length / 2)).toFixed(2)} nats</dd>
          <dt>Lower half</dt>
          <dd>{mean(perPixel.slice(perPixel.length / 2)).toFixed(2)} nats</dd>
        </dl>
        <p class="legend">
          <span>expected</span>
          <span class="ramp" aria-hidden="true" />
          <span>{most.toFixed(0)} nats: surprising</span>
        </p>
        <p class="number" aria-live="polite">
          {at === null
            ? `Point at a pixel to read it.${blindGuess}`
            : `Row ${Math.floor(at / side) + 1}, column ${(at % side) + 1}: ${(perPixel[at] ?? 0).toFixed(2)} nats, a chance of ${chance(perPixel[at] ?? 0)}`}
        </p>
      </div>
    </div>
  );
}

function Marker({ at, side }: { at: number; side: number }) {
  const percent = 100 / side;
  return (
    <span
      class="marker"
      aria-hidden="true"
      style={{ left: `${(at % side) * percent}%`, top: `${Math.floor(at / side) * percent}%` }}
    />
  );
}

/** The value of the brightest colour: the 99th percentile, so that one odd pixel does not darken all others. */
function scaleTop(perPixel: readonly number[]): number {
  const sorted = [...perPixel].sort((a, b) => a - b);
  return Math.max(1, Math.ceil(sorted[Math.floor(sorted.length * 0.99)] ?? 1));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
}

function chance(nats: number): string {
  const probability = Math.exp(-nats);
  return probability >= 0.1
    ? `${Math.round(probability * 100)}%`
    : `1 in ${Math.round(1 / probability).toLocaleString("en")}`;
}

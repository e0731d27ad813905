/** The picture that is to be completed, large, with what is kept and what is redone; drawn on by pointer or keys. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { brushCells, type Cell, lineCells } from "../picture/brush.ts";
import { sideOf } from "../picture/picture.ts";
import { isRedone, keepRows, mask, region, side } from "../state/settings.ts";
import { fillFrom, paintCells, rememberStep, source } from "../state/source.ts";
import { theme } from "../state/theme.ts";
import { brush, erasing, filling, ink, tool } from "../state/tools.ts";

/** Overlay pixels a picture pixel: enough for a dot in its middle. */
const CELL = 8;

export function Stage() {
  const picture = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const cursor = useSignal<Cell | null>(null);
  const focused = useSignal(false);
  const last = useRef<Cell | null>(null);

  // Canvases are painted together with the DOM, not after the next frame: what the label says is what is to be seen.
  const pixels = source.value.picture;
  const sideNow = sideOf(pixels);
  useLayoutEffect(() => {
    picture.current?.getContext("2d")?.putImageData(new ImageData(pixels, sideNow, sideNow), 0, 0);
  }, [pixels, sideNow]);

  const [regionNow, rowsNow, maskNow, cursorNow, toolNow, themeNow] = [
    region.value,
    keepRows.value,
    mask.value,
    cursor.value,
    tool.value,
    theme.value,
  ];
  const cursorSize = toolNow === "draw" && filling.value ? 1 : brush.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: region, rows and mask are what isRedone reads; the theme changes the colours.
  useLayoutEffect(() => {
    const context = overlay.current?.getContext("2d");
    if (!context) return;
    drawRegion(context, sideNow, toolNow === "draw");
    if (cursorNow && toolNow !== "line") drawCursor(context, sideNow, brushCells(cursorNow, cursorSize, sideNow));
  }, [regionNow, rowsNow, maskNow, cursorNow, toolNow, cursorSize, themeNow, sideNow]);

  const apply = (to: Cell) => {
    if (tool.value === "line") {
      keepRows.value = Math.min(side.value - 1, to.y);
      return;
    }
    const cells = lineCells(last.current ?? to, to).flatMap((cell) => brushCells(cell, brush.value, side.value));
    last.current = to;
    if (tool.value === "mask") mask.value = withCells(mask.value, cells, !erasing.value);
    else paintCells(cells, ink.value);
  };
  const begin = (at: Cell) => {
    last.current = null;
    if (tool.value === "draw" && filling.value) return fillFrom(at.x, at.y, ink.value);
    if (tool.value === "draw") rememberStep();
    apply(at);
  };

  const pressed = useRef(false);
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    // A finger on the line's picture scrolls the page; it moves the line by the handle, or by a tap (see onClick).
    if (tool.value === "line" && event.pointerType === "touch") return;
    pressed.current = true;
    overlay.current?.setPointerCapture(event.pointerId);
    begin(cellAt(event));
  };
  const onPointerMove = (event: PointerEvent) => {
    cursor.value = cellAt(event);
    if (pressed.current && !(tool.value === "draw" && filling.value)) apply(cellAt(event));
  };
  const release = () => {
    pressed.current = false;
    last.current = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = ARROWS[event.key];
    const at = cursor.value ?? { x: side.value / 2, y: side.value / 2 };
    if (step) {
      const to = { x: clamp(at.x + step.x), y: clamp(at.y + step.y) };
      if (event.shiftKey) apply(to);
      cursor.value = to;
    } else if (event.key === " " || event.key === "Enter") {
      begin(at);
      release();
    } else return;
    event.preventDefault();
  };

  return (
    <div class={`stage tool-${toolNow}`}>
      <canvas
        ref={picture}
        width={sideNow}
        height={sideNow}
        class="pixels"
        role="img"
        aria-label={`The picture: ${source.value.label}`}
      />
      <canvas
        ref={overlay}
        width={sideNow * CELL}
        height={sideNow * CELL}
        class="overlay"
        {...(toolNow === "line"
          ? { "aria-hidden": "true" as const }
          : {
              tabIndex: 0,
              role: "application",
              "aria-roledescription": "pixel grid",
              "aria-label": `${toolNow === "mask" ? "Mask" : "Drawing"}: arrow keys move, space paints, shift with arrows paints on`,
              "aria-describedby": "stage-cursor",
            })}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={release}
        onPointerCancel={release}
        onPointerLeave={() => {
          if (!focused.value) cursor.value = null;
        }}
        onClick={(event: MouseEvent) => {
          if (tool.value === "line") apply(cellAt(event));
        }}
        onKeyDown={onKeyDown}
        onFocus={() => {
          focused.value = true;
          cursor.value ??= { x: side.value / 2, y: side.value / 2 };
        }}
        onBlur={() => {
          focused.value = false;
          cursor.value = null;
        }}
      />
      {toolNow === "line" && <LineHandle stage={overlay} />}
      <p id="stage-cursor" class="unseen" aria-live="polite">
        {toolNow !== "line" && focused.value && cursorNow ? describe(cursorNow) : ""}
      </p>
    </div>
  );
}

const ARROWS: Record<string, Cell> = {
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
};

function clamp(value: number): number {
  return Math.min(side.value - 1, Math.max(0, value));
}

function describe({ x, y }: Cell): string {
  return `Row ${y + 1}, column ${x + 1}, ${isRedone(y * side.value + x) ? "redone" : "kept"}`;
}

function cellAt(event: MouseEvent): Cell {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return {
    x: clamp(Math.floor(((event.clientX - box.left) / box.width) * side.value)),
    y: clamp(Math.floor(((event.clientY - box.top) / box.height) * side.value)),
  };
}

function withCells(flags: readonly boolean[], cells: Iterable<number>, to: boolean): boolean[] {
  const changed = [...flags];
  for (const cell of cells) changed[cell] = to;
  return changed;
}

/** What will be redone is veiled, with a dot a pixel; only hinted at while one draws. */
function drawRegion(context: CanvasRenderingContext2D, across: number, faint: boolean): void {
  const style = getComputedStyle(context.canvas);
  context.clearRect(0, 0, across * CELL, across * CELL);
  for (let i = 0; i < across * across; i++) {
    if (!isRedone(i)) continue;
    const [x, y] = [(i % across) * CELL, Math.floor(i / across) * CELL];
    if (!faint) {
      context.globalAlpha = 0.78;
      context.fillStyle = style.getPropertyValue("--veil");
      context.fillRect(x, y, CELL, CELL);
    }
    context.globalAlpha = faint ? 0.5 : 0.55;
    context.fillStyle = style.getPropertyValue("--dot");
    context.fillRect(x + CELL / 2 - 1, y + CELL / 2 - 1, 2, 2);
  }
  context.globalAlpha = 1;
}

function drawCursor(context: CanvasRenderingContext2D, across: number, cells: readonly number[]): void {
  const xs = cells.map((cell) => cell % across);
  const ys = cells.map((cell) => Math.floor(cell / across));
  const [left, top] = [Math.min(...xs) * CELL, Math.min(...ys) * CELL];
  const [width, height] = [(Math.max(...xs) + 1) * CELL - left, (Math.max(...ys) + 1) * CELL - top];
  context.lineWidth = 2;
  context.strokeStyle = "#000";
  context.strokeRect(left + 1, top + 1, width - 2, height - 2);
  context.strokeStyle = "#fff";
  context.strokeRect(left + 3, top + 3, width - 6, height - 6);
}

/** The draggable line; keyboards use the slider below the stage. */
function LineHandle({ stage }: { stage: { current: HTMLCanvasElement | null } }) {
  const dragging = useRef(false);
  const move = (event: PointerEvent) => {
    const box = stage.current?.getBoundingClientRect();
    if (!dragging.current || !box) return;
    keepRows.value = clamp(Math.round(((event.clientY - box.top) / box.height) * side.value));
  };
  const end = () => {
    dragging.current = false;
  };
  return (
    <div
      class="line-handle"
      style={{ top: `${(keepRows.value / side.value) * 100}%` }}
      aria-hidden="true"
      onPointerDown={(event: PointerEvent) => {
        dragging.current = true;
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      }}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <span class="grip">{keepRows.value} rows kept</span>
    </div>
  );
}

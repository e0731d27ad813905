import { fromHex, toHex } from "../picture/colors.ts";
import { blank } from "../picture/picture.ts";
import { candidatesNow, emptyMask, keepRows, mask, side } from "../state/settings.ts";
import { canUndo, setPicture, undo } from "../state/source.ts";
import { BRUSHES, brush, chooseTool, erasing, filling, INKS, ink, type Tool, tool } from "../state/tools.ts";

const TOOLS: readonly { tool: Tool; label: string }[] = [
  { tool: "line", label: "Keep the top" },
  { tool: "mask", label: "Mask" },
  { tool: "draw", label: "Draw" },
];

/** Chooses what the pointer does on the stage. */
export function ToolSwitch() {
  return (
    <fieldset class="switch">
      <legend class="unseen">What to do on the picture</legend>
      {TOOLS.map(({ tool: name, label }) => (
        <label key={name}>
          <input type="radio" name="tool" checked={tool.value === name} onChange={() => chooseTool(name)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What the chosen tool can be told. */
export function ToolOptions() {
  return (
    <div class="tool-options">
      {{ line: <LineOptions />, mask: <MaskOptions />, draw: <DrawOptions /> }[tool.value]}
    </div>
  );
}

function LineOptions() {
  return (
    <label class="range">
      <span>Rows kept</span>
      <input
        type="range"
        min="0"
        max={side.value - 1}
        value={keepRows.value}
        onInput={({ currentTarget }) => (keepRows.value = currentTarget.valueAsNumber)}
      />
      <output>{keepRows.value}</output>
    </label>
  );
}

function MaskOptions() {
  const count = mask.value.filter(Boolean).length;
  const times = candidatesNow.value;
  return (
    <>
      <BrushSize />
      <button type="button" aria-pressed={erasing.value} onClick={() => (erasing.value = !erasing.value)}>
        Keep again
      </button>
      <button type="button" onClick={() => (mask.value = mask.value.map((redo) => !redo))}>
        Invert
      </button>
      <button type="button" onClick={() => (mask.value = emptyMask())}>
        Clear
      </button>
      <span class="hint">{count === 0 ? "Paint over what to redo" : `${pixels(count)} to redo`}</span>
      {times > 1 && <span class="hint">Fits its surroundings: {times} times the work</span>}
    </>
  );
}

function DrawOptions() {
  return (
    <>
      <fieldset class="inks">
        <legend class="unseen">Colour</legend>
        {INKS.map(({ name, color }) => (
          <button
            key={name}
            type="button"
            aria-label={name}
            title={name}
            aria-pressed={toHex(color) === toHex(ink.value)}
            style={{ background: toHex(color) }}
            onClick={() => (ink.value = color)}
          />
        ))}
        <input
          type="color"
          aria-label="Any colour"
          value={toHex(ink.value)}
          onInput={({ currentTarget }) => (ink.value = fromHex(currentTarget.value))}
        />
      </fieldset>
      <BrushSize />
      <button type="button" aria-pressed={filling.value} onClick={() => (filling.value = !filling.value)}>
        Fill
      </button>
      <button type="button" disabled={!canUndo.value} onClick={undo}>
        Undo
      </button>
      <button type="button" onClick={() => setPicture(blank(ink.value, side.value), "Drawing")}>
        New in this colour
      </button>
    </>
  );
}

function pixels(count: number): string {
  return `${count} pixel${count === 1 ? "" : "s"}`;
}

function BrushSize() {
  return (
    <fieldset class="brushes">
      <legend class="unseen">Brush size</legend>
      {BRUSHES.map((size) => (
        <label key={size} title={`Brush ${pixels(size)} wide`}>
          <input
            type="radio"
            name="brush"
            aria-label={pixels(size)}
            checked={brush.value === size}
            onChange={() => (brush.value = size)}
          />
          <span class={`dab dab-${size}`} />
        </label>
      ))}
    </fieldset>
  );
}

import type { Signal } from "@preact/signals";
import type { ModelFacts } from "../api/types.ts";
import { another, run, running, start, stop } from "../state/run.ts";
import {
  candidates,
  defaultModelId,
  model,
  modelId,
  models,
  mostCandidates,
  mostSamples,
  region,
  samples,
  seed,
  temperature,
  topK,
  topP,
} from "../state/settings.ts";

/** How it is drawn, and the button that begins it. */
export function Controls() {
  return (
    <form
      class="controls"
      aria-label="Settings"
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      <div class="fields">
        <Range label="Samples" value={samples} min={1} max={mostSamples.value} step={1} />
        {region.value === "mask" && mostCandidates.value > 1 && (
          <Range
            label="Candidates"
            value={candidates}
            min={1}
            max={mostCandidates.value}
            step={1}
            off={1}
            hint="Each sample is chosen from this many candidates, to fit what is to the right and below; each candidate takes as long as a sample"
          />
        )}
        <Range
          label="Temperature"
          value={temperature}
          min={0}
          max={2}
          step={0.05}
          digits={2}
          hint="0 = always the likeliest colour"
        />
        <Range label="Top-p" value={topP} min={0.05} max={1} step={0.05} digits={2} off={1} hint="1 = all colours" />
        <Range
          label="Top-k"
          value={topK}
          min={0}
          max={model.value?.colors ?? 0}
          step={1}
          off={0}
          hint="0 = all colours"
        />
        <SeedField />
      </div>
      <ModelField />
      <div class="actions">
        {/* One button, so that the focus stays where it is when it changes its meaning. */}
        <button type="button" class={running.value ? "primary stop" : "primary"} onClick={running.value ? stop : begin}>
          {running.value ? "Stop" : "Complete the picture"}
        </button>
        <button
          type="button"
          disabled={running.value || run.value === null}
          onClick={() => {
            another();
            showResults();
          }}
        >
          Another seed
        </button>
      </div>
    </form>
  );
}

function begin(): void {
  start();
  showResults();
}

/** On a phone the samples are below the picture: they come into view as they are drawn. */
function showResults(): void {
  document.getElementById("results")?.scrollIntoView({ block: "nearest" });
}

interface RangeProps {
  label: string;
  value: Signal<number>;
  min: number;
  max: number;
  step: number;
  digits?: number;
  /** The value that means "off". */
  off?: number;
  hint?: string;
}

// The value is no <output>: as the label's first form element it would take the label away from the slider.
function Range({ label, value, min, max, step, digits = 0, off, hint }: RangeProps) {
  return (
    <label class="range" {...(hint ? { title: hint } : {})}>
      <span>{label}</span>
      <span class="number">{value.value === off ? "off" : Math.min(value.value, max).toFixed(digits)}</span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value.value}
        onInput={({ currentTarget }) => (value.value = currentTarget.valueAsNumber)}
      />
    </label>
  );
}

function SeedField() {
  return (
    <label class="field">
      <span>Seed</span>
      <input
        type="number"
        min="0"
        max={2 ** 31 - 1}
        step="1"
        placeholder="any"
        value={seed.value ?? ""}
        onInput={({ currentTarget }) =>
          (seed.value = currentTarget.value === "" ? null : Math.trunc(currentTarget.valueAsNumber))
        }
      />
    </label>
  );
}

/** With what each costs. */
function ModelField() {
  if (models.value.length < 2) return null;
  const least = Math.min(...models.value.map(workOf));
  return (
    <fieldset class="models">
      <legend>Model</legend>
      {models.value.map((facts) => (
        <label key={facts.id}>
          <input
            type="radio"
            name="model"
            checked={model.value?.id === facts.id}
            onChange={() => (modelId.value = facts.id)}
          />
          <span>
            <b>{facts.id}</b>
            {facts.id === defaultModelId.value && <em>default</em>}
            <small>
              {facts.resolution}×{facts.resolution} · {(facts.parameters / 1e6).toFixed(facts.parameters < 1e7 ? 1 : 0)}{" "}
              M parameters · {timeOf(workOf(facts) / least)}
            </small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/**
 * What half a picture takes, by its multiplications: every drawn pixel reads all weights and looks back at three quarters of the
 * pixels in the mean, in each layer; those multiplications take twice as long.
 */
function workOf({ parameters, layers, width, resolution }: ModelFacts): number {
  const pixels = resolution ** 2;
  return pixels * (parameters + 2 * 2 * layers * width * 0.75 * pixels);
}

function timeOf(times: number): string {
  return times < 1.2 ? "the fastest" : `about ${times < 2 ? times.toFixed(1) : Math.round(times)}× the time`;
}

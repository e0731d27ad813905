/** Large jobs: submit, watch, and look at the contact sheet. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { FinishedSample } from "../api/types.ts";
import { addToAlbum, measureLikelihood, selected, selectedId } from "../state/album.ts";
import {
  cancelJob,
  hasEnded,
  type JobView,
  job,
  jobError,
  jobsAvailable,
  MOST_JOB_SAMPLES,
  openJobs,
  retryJob,
  submitJob,
  submitting,
} from "../state/jobs.ts";
import { openPanel } from "../state/panel.ts";
import { mostSamples } from "../state/settings.ts";
import { Problem } from "./problem.tsx";
import { saveCanvas } from "./results.tsx";

export function JobPanel() {
  useEffect(() => void openJobs(), []);
  if (jobsAvailable.value === false) {
    return (
      <p class="empty">
        This server accepts no large jobs: it has no `submitCompletion`. Live samples above still work.
      </p>
    );
  }
  return (
    <>
      <SubmitForm />
      <Problem error={jobError.value} retry={() => void retryJob()} />
      {job.value && <JobStatus job={job.value} />}
      {job.value?.result && job.value.result.samples.length > 0 && (
        <ContactSheet id={job.value.id} samples={job.value.result.samples} />
      )}
    </>
  );
}

function SubmitForm() {
  const count = useSignal(mostSamples.value);
  const busy = submitting.value || (job.value !== null && !hasEnded(job.value) && jobError.value === null);
  return (
    <form
      class="panel-actions"
      onSubmit={(event) => {
        event.preventDefault();
        void submitJob(count.value);
      }}
    >
      <label class="field">
        <span>Samples</span>
        <input
          type="number"
          min="1"
          max={MOST_JOB_SAMPLES}
          required
          value={count.value}
          onInput={({ currentTarget }) => (count.value = currentTarget.valueAsNumber)}
        />
      </label>
      <button type="submit" class="primary" disabled={busy}>
        {submitting.value ? "Submitting…" : "Submit the job"}
      </button>
      <p class="hint">
        The job uses the picture and settings above. Up to {mostSamples} samples run at the edge; with a GPU origin
        behind the server, up to {MOST_JOB_SAMPLES}. The server keeps the result, and this tab finds it after a reload.
      </p>
    </form>
  );
}

const WORDS = { QUEUED: "Waiting", RUNNING: "Drawing", SUCCEEDED: "Done", FAILED: "Failed", CANCELLED: "Cancelled" };

function JobStatus({ job: { id, status, rowsDone, rowsTotal, samplesAsked, retrying, result } }: { job: JobView }) {
  const done = status === "SUCCEEDED" ? rowsTotal : rowsDone;
  return (
    <div class="status">
      <progress max={rowsTotal} value={done} aria-label="Rows of the job drawn" />
      <p class="status-text" role="status">
        {WORDS[status]}: {samplesAsked} samples
        {status === "RUNNING" && (done === 0 ? ", no row yet" : `, row ${done} of ${rowsTotal}`)}
        {result?.ranOn ? ` · ${result.ranOn.toLowerCase()}, ${result.engine}` : ""} · <code>{id}</code>
      </p>
      {retrying && !hasEnded({ status }) && <p class="hint">The job is being tried again: {retrying}</p>}
      {result?.error && (
        <p class="problem" role="alert">
          {result.error.message} <code>{result.error.code}</code>
        </p>
      )}
      {!hasEnded({ status }) && (
        <button type="button" onClick={() => void cancelJob()}>
          Cancel the job
        </button>
      )}
    </div>
  );
}

function ContactSheet({ id, samples }: { id: string; samples: readonly FinishedSample[] }) {
  const sorted = useSignal(false);
  const shown = sorted.value ? samples.toSorted((a, b) => a.nllPerPixel - b.nllPerPixel) : samples;
  const inspect = ({ index, image }: FinishedSample) => {
    selectedId.value = addToAlbum({ kind: "sample", label: `Job sample ${index + 1}`, dataUri: image.dataUri });
    openPanel("sure");
    if (selected.value) void measureLikelihood(selected.value);
  };
  return (
    <div class="sheet">
      <div class="panel-actions">
        <button type="button" onClick={() => void saveSheet(shown, `igpt-${id}.png`)}>
          Save the contact sheet
        </button>
        <button type="button" aria-pressed={sorted.value} onClick={() => (sorted.value = !sorted.value)}>
          Likeliest first
        </button>
      </div>
      <ol aria-label="Contact sheet">
        {shown.map((sample) => (
          <li key={sample.index}>
            <button
              type="button"
              aria-label={`Sample ${sample.index + 1}, ${sample.nllPerPixel.toFixed(2)} nats a pixel`}
              title={`${sample.index + 1}: ${sample.nllPerPixel.toFixed(2)} nats a pixel`}
              onClick={() => inspect(sample)}
            >
              <img src={sample.image.dataUri} width="32" height="32" alt="" />
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

const SHEET_COLUMNS = 16;
const SHEET_SCALE = 2;
const SHEET_GAP = 4;

/** One PNG of all samples, 16 in a row. */
async function saveSheet(samples: readonly FinishedSample[], name: string): Promise<void> {
  const images = samples.map(({ image: { dataUri } }) => Object.assign(new Image(), { src: dataUri }));
  await Promise.all(images.map((image) => image.decode()));
  const side = (images[0]?.naturalWidth ?? 0) * SHEET_SCALE;
  const columns = Math.min(SHEET_COLUMNS, samples.length);
  const pitch = side + SHEET_GAP;
  const canvas = document.createElement("canvas");
  canvas.width = columns * pitch - SHEET_GAP;
  canvas.height = Math.ceil(samples.length / columns) * pitch - SHEET_GAP;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.imageSmoothingEnabled = false;
  for (const [i, image] of images.entries()) {
    context.drawImage(image, (i % columns) * pitch, Math.floor(i / columns) * pitch, side, side);
  }
  saveCanvas(canvas, name);
}

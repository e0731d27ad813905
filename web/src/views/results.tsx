import { fromDataUri, toDataUri } from "../picture/picture.ts";
import { measureLikelihood, selected, selectedId } from "../state/album.ts";
import { currentLink } from "../state/link.ts";
import { openPanel } from "../state/panel.ts";
import { type Run, type RunSample, run, start } from "../state/run.ts";
import { isRedone, model, samples, seed, side } from "../state/settings.ts";
import { setPicture, source } from "../state/source.ts";
import { CopyButton } from "./copy.tsx";
import { PixelCanvas } from "./pixel-canvas.tsx";
import { Problem } from "./problem.tsx";

/** A downloaded picture is this many pixels wide for each of its own. */
const DOWNLOAD_SCALE = 16;

/** The samples of the last run while they are drawn and after; before the first run, what is to come. */
export function Results() {
  const now = run.value;
  return (
    <section class="results" id="results" aria-label="Samples" aria-busy={now?.status === "running"} data-run={now?.id}>
      <StatusLine run={now} />
      {now?.error && <Problem error={now.error} retry={start} />}
      {now ? <Samples run={now} /> : <Awaiting />}
    </section>
  );
}

function StatusLine({ run: now }: { run: Run | null }) {
  return (
    <div class="status">
      <progress max={now?.rowsTotal ?? 1} value={now?.rowsDone ?? 0} aria-label="Rows drawn" />
      <p class="status-text">
        {now ? summary(now) : waiting(samples.value)}
        {now?.status === "done" && now.ranOn && (
          <span class="engine">
            {" "}
            · {now.ranOn.toLowerCase()}, {now.engine}
          </span>
        )}
      </p>
      <p class="status-actions">
        {now && now.status !== "failed" && now.seed !== null && seed.value === null && (
          <button type="button" onClick={() => (seed.value = now.seed)}>
            Keep this seed
          </button>
        )}
        <CopyButton label="Copy link" text={currentLink} />
      </p>
      <p class="unseen" role="status">
        {now ? announcement(now) : ""}
      </p>
    </div>
  );
}

function waiting(count: number): string {
  return count === 1 ? "Ready to finish this picture" : `Ready to finish this picture in ${count} ways`;
}

function summary({ status, rowsDone, rowsTotal, seed: used, milliseconds }: Run): string {
  const parts = {
    running: rowsDone === 0 ? "Reading the given pixels" : `Row ${rowsDone} of ${rowsTotal}`,
    done: "Done",
    stopped: `Stopped at row ${rowsDone} of ${rowsTotal}`,
    failed: used === null ? "Not yet" : "Failed",
  };
  const took = status === "done" && milliseconds !== null ? ` in ${(milliseconds / 1000).toFixed(1)} s` : "";
  const withSeed = used === null ? "" : ` · seed ${used}`;
  return `${parts[status]}${took}${withSeed}`;
}

/** What a screen reader hears: the beginning, every eighth row, the end. */
function announcement({ status, rowsDone, rowsTotal, samples: all }: Run): string {
  if (status === "done") return `Done: ${all.length} samples.`;
  if (status === "stopped") return "Stopped.";
  if (status === "failed") return "";
  const eighth = Math.floor(rowsDone / 8) * 8;
  return eighth === 0 ? "Drawing." : `Row ${eighth} of ${rowsTotal}.`;
}

/** Before the first run: the given part as often as it will be completed, each with room for what will stand below. */
function Awaiting() {
  const { picture } = source.value;
  const given = toDataUri(picture, 1, isRedone);
  return (
    <div class="sheet-and-given">
      <ol class={`cards ${sizeOf(samples.value)}`}>
        {Array.from({ length: samples.value }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: all are alike.
          <li key={index} class="card">
            <PixelCanvas dataUri={given} label={`Sample ${index + 1}, not drawn yet`} />
            <div class="card-foot" />
          </li>
        ))}
      </ol>
      <Seen input={toDataUri(picture)} />
    </div>
  );
}

function Samples({ run: now }: { run: Run }) {
  return (
    <div class="sheet-and-given">
      <ol class={`cards ${sizeOf(now.samples.length)} ${now.status}`}>
        {now.samples.map((sample) => (
          <Card key={sample.index} sample={sample} run={now} />
        ))}
      </ol>
      <Seen input={now.input} done={now.status === "done"} />
    </div>
  );
}

/** To compare with; the server's answer has it in the palette's colours. */
function Seen({ input, done = false }: { input: string; done?: boolean }) {
  return (
    <figure class="seen">
      <PixelCanvas dataUri={input} label="The whole picture as the model sees it" />
      <figcaption>
        {done ? `As the model sees it, in its ${model.value?.colors ?? ""} colours` : "The whole picture"}
      </figcaption>
    </figure>
  );
}

function Card({ sample, run: { label, seed: used, status } }: { sample: RunSample; run: Run }) {
  const { index, dataUri, nllPerPixel, albumId } = sample;
  const name = `Sample ${index + 1}`;
  const inspect = () => {
    selectedId.value = albumId;
    openPanel("sure");
    if (selected.value) void measureLikelihood(selected.value);
  };
  return (
    <li class="card" aria-label={name}>
      <PixelCanvas dataUri={dataUri} label={`${name} of ${label}${status === "done" ? "" : ", unfinished"}`} />
      <div class="card-foot">
        <p class="caption">
          <span>{index + 1}</span>
          {nllPerPixel !== null && (
            <span class="number" title="Mean surprise in nats per drawn pixel: lower is more expected">
              {nllPerPixel.toFixed(2)} nats
            </span>
          )}
        </p>
        <p class="card-actions">
          <button
            type="button"
            aria-label={`Save ${name}`}
            title="Save it as a PNG with large pixels"
            disabled={status === "running" || status === "failed"}
            onClick={() => void download(dataUri, `igpt-${used}-${index + 1}.png`)}
          >
            Save
          </button>
          <button
            type="button"
            aria-label={`Go on from ${name}`}
            title="Make it the picture to complete next"
            disabled={status !== "done"}
            onClick={() => void goOn(dataUri, name)}
          >
            Go on
          </button>
          <button
            type="button"
            aria-label={`How sure? ${name}`}
            title="Show how surprising each of its pixels is"
            disabled={albumId === null}
            onClick={inspect}
          >
            How sure?
          </button>
        </p>
      </div>
    </li>
  );
}

function sizeOf(count: number): string {
  if (count === 1) return "one";
  return count <= 4 ? "few" : "many";
}

async function goOn(dataUri: string, label: string): Promise<void> {
  setPicture(await fromDataUri(dataUri, side.value), label);
}

/** Saves the picture with large, crisp pixels; an unfinished one keeps its transparent part. */
async function download(dataUri: string, name: string): Promise<void> {
  const image = new Image();
  image.src = dataUri;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = image.naturalWidth * DOWNLOAD_SCALE;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  saveCanvas(canvas, name);
}

export function saveCanvas(canvas: HTMLCanvasElement, name: string): void {
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}

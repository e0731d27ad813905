import { useEffect, useRef } from "preact/hooks";
import { apiKey } from "../api/key.ts";
import type { Viewer } from "../api/types.ts";
import { keyDialogOpen, keysAvailable, loadViewer, viewer, viewerError } from "../state/viewer.ts";
import { Dialog } from "./dialog.tsx";
import { Problem } from "./problem.tsx";

export function KeyDialog() {
  return keyDialogOpen.value ? <OpenKeyDialog /> : null;
}

function OpenKeyDialog() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!apiKey.value) toField(field.current);
    void loadViewer();
  }, []);
  const use = async (key: string) => {
    apiKey.value = key.trim();
    await loadViewer();
    if (viewerError.value) toField(field.current);
  };
  return (
    <Dialog title="API key" close={() => (keyDialogOpen.value = false)}>
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          void use(field.current?.value ?? "");
        }}
      >
        <label class="field">
          <span>Your key, kept in this tab only</span>
          <input
            ref={field}
            type="password"
            autocomplete="off"
            spellcheck={false}
            placeholder="igpt_sk_…"
            defaultValue={apiKey.value}
          />
        </label>
        <button type="submit" class="primary">
          Use this key
        </button>
        {apiKey.value && (
          <button
            type="button"
            onClick={() => {
              if (field.current) field.current.value = "";
              void use("");
            }}
          >
            Forget it
          </button>
        )}
      </form>
      {!keysAvailable.value && <p class="empty">This server has no keys: everyone may use it.</p>}
      {viewerError.value && <Problem error={viewerError.value} retry={() => void loadViewer()} besideKeyField />}
      {viewer.value && <UsageOf viewer={viewer.value} />}
    </Dialog>
  );
}

/** Where one types next. */
function toField(field: HTMLInputElement | null): void {
  field?.focus();
  field?.select();
}

function UsageOf({ viewer: { key, usage, usageByDay } }: { viewer: Viewer }) {
  const days = lastDays(usageByDay);
  const most = Math.max(1, ...days.map(({ pixels }) => pixels));
  return (
    <div class="usage">
      <h3>{key ? key.name : "Without a key"}</h3>
      {key && (
        <p class="hint">
          <code>{key.prefix}…</code> may: {key.scopes.join(", ").toLowerCase()}
        </p>
      )}
      <Meter label="Pixels this month" value={usage.pixelsThisMonth} most={usage.pixelsPerMonth} />
      <Meter label="Requests this minute" value={usage.requestsThisMinute} most={usage.requestsPerMinute} />
      {usageByDay.length > 0 && (
        <figure>
          <figcaption>Pixels a day, the last 30 days</figcaption>
          <ol class="days">
            {days.map(({ day, pixels, requests }) => (
              <li key={day} title={`${day}: ${pixels.toLocaleString("en")} pixels, ${requests} requests`}>
                <span style={{ height: `${(pixels / most) * 100}%` }} />
                <span class="unseen">{`${day}: ${pixels} pixels, ${requests} requests`}</span>
              </li>
            ))}
          </ol>
        </figure>
      )}
    </div>
  );
}

const DAYS = 30;
const DAY_MS = 86_400_000;

/** The last 30 days up to today (UTC), oldest first; the server leaves out days without use. */
function lastDays(usageByDay: Viewer["usageByDay"]): Viewer["usageByDay"] {
  return Array.from({ length: DAYS }, (_, i) => {
    const day = new Date(Date.now() - (DAYS - 1 - i) * DAY_MS).toISOString().slice(0, 10);
    return usageByDay.find((used) => used.day === day) ?? { day, requests: 0, pixels: 0 };
  });
}

function Meter({ label, value, most }: { label: string; value: number; most: number | null }) {
  const number = value.toLocaleString("en");
  return (
    <p class="meter-row">
      <span>{label}</span>
      <span class="number">{most === null ? `${number} (no limit)` : `${number} of ${most.toLocaleString("en")}`}</span>
      {most !== null && <meter min={0} max={most} value={value} aria-label={label} />}
    </p>
  );
}

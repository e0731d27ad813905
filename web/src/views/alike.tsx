/** "What is it like": the session's pictures as the model's vectors place them, and the nearest of each. */
import { neighbours, project, spread } from "../math/vectors.ts";
import { readPicture, toDataUri } from "../picture/picture.ts";
import { SHIPPED } from "../picture/shipped.ts";
import {
  type AlbumPicture,
  addToAlbum,
  album,
  albumError,
  embedAlbum,
  lookingAt,
  selected,
  selectedId,
} from "../state/album.ts";
import { FIRST_SIDE } from "../state/settings.ts";
import { NothingYet } from "./album-strip.tsx";
import { Problem } from "./problem.tsx";

/** With fewer there is nothing to compare. */
const FEWEST = 3;
const NEIGHBOURS_SHOWN = 5;
/** A thumbnail's share of the map, about: pictures are moved apart so that each can be seen and pressed. */
const THUMBNAIL = { x: 0.11, y: 0.13 };

export function AlikePanel() {
  const placed = album.value.filter(({ vector }) => vector !== null);
  const waiting = album.value.length - placed.length;
  const busy = lookingAt.value === "embeddings";
  return (
    <>
      <div class="panel-actions">
        <button type="button" class="primary" disabled={busy || waiting === 0} onClick={() => void embedAlbum()}>
          {busy
            ? "Looking…"
            : waiting === 0 && placed.length > 0
              ? "All are on the map"
              : waiting === 0
                ? "Place the pictures"
                : `Place ${waiting} picture${waiting === 1 ? "" : "s"}`}
        </button>
        <button type="button" disabled={busy} onClick={() => void addShipped()}>
          Add the shipped pictures
        </button>
        <p class="hint">
          Pictures that look alike to the model are close together (embeddings, first two principal components;
          overlapping pictures are moved apart).
        </p>
      </div>
      <Problem error={albumError.value} retry={() => void embedAlbum()} />
      {placed.length >= FEWEST ? (
        <div class="alike">
          <PictureMap pictures={placed} />
          <Nearest pictures={placed} />
        </div>
      ) : album.value.length === 0 ? (
        <NothingYet />
      ) : (
        <p class="empty">{`${album.value.length} picture${album.value.length === 1 ? "" : "s"} in this session. A map needs at least ${FEWEST}.`}</p>
      )}
    </>
  );
}

/** The album keeps the 64 newest, so the shipped ones, which can come back at a click, are added one by one. */
async function addShipped(): Promise<void> {
  for (const { label, address } of SHIPPED) {
    // One that was completed is there already, in the palette's colours.
    if (album.value.some((known) => known.kind === "given" && known.label === label)) continue;
    const picture = await readPicture(await (await fetch(address)).blob(), FIRST_SIDE);
    addToAlbum({ kind: "given", label, dataUri: toDataUri(picture) });
  }
  await embedAlbum();
}

function PictureMap({ pictures }: { pictures: readonly AlbumPicture[] }) {
  const places = spread(project(pictures.map(({ vector }) => vector ?? [])), THUMBNAIL);
  return (
    <div class="map">
      {pictures.map(({ id, label, dataUri, kind }, i) => (
        <button
          key={id}
          type="button"
          class={kind}
          aria-label={label}
          title={label}
          aria-pressed={selected.value?.id === id}
          style={{ left: `${(places[i]?.x ?? 0.5) * 100}%`, top: `${(places[i]?.y ?? 0.5) * 100}%` }}
          onClick={() => (selectedId.value = id)}
        >
          <img src={dataUri} width="32" height="32" alt="" />
        </button>
      ))}
    </div>
  );
}

function Nearest({ pictures }: { pictures: readonly AlbumPicture[] }) {
  const at = pictures.findIndex(({ id }) => id === selected.value?.id);
  const chosen = pictures[at] ?? pictures[0];
  if (!chosen) return null;
  const near = neighbours(
    pictures.map(({ vector }) => vector ?? []),
    Math.max(0, at),
  ).slice(0, NEIGHBOURS_SHOWN);
  return (
    <div class="nearest">
      <h3>
        <img src={chosen.dataUri} width="32" height="32" alt="" /> Nearest to {chosen.label}
      </h3>
      <ol>
        {near.map(({ index, similarity }) => {
          const picture = pictures[index];
          return (
            picture && (
              <li key={picture.id}>
                <img src={picture.dataUri} width="32" height="32" alt="" />
                <span>{picture.label}</span>
                <span class="number" title="Cosine similarity of the vectors">
                  {similarity.toFixed(3)}
                </span>
              </li>
            )
          );
        })}
      </ol>
    </div>
  );
}

import { album, selected, selectedId } from "../state/album.ts";

/** The session's pictures, to choose one. */
export function AlbumStrip({ choose }: { choose?: () => void }) {
  return (
    <ul class="strip" aria-label="Pictures of this session">
      {album.value.map(({ id, label, dataUri, kind }) => (
        <li key={id}>
          <button
            type="button"
            class={kind}
            aria-label={label}
            title={label}
            aria-pressed={selected.value?.id === id}
            onClick={() => {
              selectedId.value = id;
              choose?.();
            }}
          >
            <img src={dataUri} width="32" height="32" alt="" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** What the panels say while there is nothing to look at. */
export function NothingYet() {
  return <p class="empty">Complete a picture first: this panel collects your pictures and their completions.</p>;
}

import { type ApiError, advice, NOT_YET } from "../api/errors.ts";
import { keyDialogOpen } from "../state/viewer.ts";

/** What went wrong, in the server's words, and what to do about it. */
export function Problem({ error, retry }: { error: ApiError | null; retry?: () => void }) {
  if (!error) return null;
  const own = error.code === NOT_YET;
  const needsKey = error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN";
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{error.message}</strong> {advice(error)} {!own && <code>{error.code}</code>}
      </p>
      {needsKey ? (
        <button type="button" onClick={() => (keyDialogOpen.value = true)}>
          Enter a key
        </button>
      ) : (
        retry &&
        !own && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}

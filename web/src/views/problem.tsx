import { type ApiError, advice, isWorthRetrying, NOT_YET } from "../api/errors.ts";
import { apiKey } from "../api/key.ts";
import { keyDialogOpen } from "../state/viewer.ts";

interface ProblemProps {
  error: ApiError | null;
  retry?: () => void;
  /** The key can be entered right here. */
  besideKeyField?: boolean;
}

/** What went wrong, in the server's words, and what to do about it. */
export function Problem({ error, retry, besideKeyField = false }: ProblemProps) {
  if (!error) return null;
  const own = error.code === NOT_YET;
  const needsKey = !besideKeyField && (error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN");
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{words(error)}</strong> {advice(error)} {!own && <code>{error.code}</code>}
      </p>
      {needsKey ? (
        <button type="button" onClick={() => (keyDialogOpen.value = true)}>
          Enter a key
        </button>
      ) : (
        retry &&
        isWorthRetrying(error) && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}

/** The server tells programs how to send a key; a person enters it. */
function words({ code, message }: ApiError): string {
  if (code !== "UNAUTHENTICATED") return message;
  return apiKey.value
    ? "The server does not accept this key: it is mistyped, expired, replaced or revoked."
    : "This server asks for an API key.";
}

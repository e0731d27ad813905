/** Who the key belongs to and what it has used. */
import { signal } from "@preact/signals";
import { request } from "../api/client.ts";
import { VIEWER } from "../api/documents.ts";
import { type ApiError, asApiError, isMissingField } from "../api/errors.ts";
import type { Viewer } from "../api/types.ts";

export const viewer = signal<Viewer | null>(null);
export const viewerError = signal<ApiError | null>(null);
/** false = this server has no keys. */
export const keysAvailable = signal(true);
export const keyDialogOpen = signal(false);

export async function loadViewer(): Promise<void> {
  viewerError.value = null;
  try {
    viewer.value = (await request<{ viewer: Viewer }>(VIEWER)).viewer;
    keysAvailable.value = true;
  } catch (error) {
    viewer.value = null;
    const problem = asApiError(error);
    keysAvailable.value = !isMissingField(problem);
    if (keysAvailable.value) viewerError.value = problem;
  }
}

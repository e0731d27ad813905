import { effect, signal } from "@preact/signals";

const STORED_AS = "igpt.key";

/** The API key that requests carry; "" for none. Kept for this tab only. */
export const apiKey = signal(sessionStorage.getItem(STORED_AS) ?? "");

effect(() => {
  if (apiKey.value) sessionStorage.setItem(STORED_AS, apiKey.value);
  else sessionStorage.removeItem(STORED_AS);
});

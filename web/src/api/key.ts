import { effect, signal } from "@preact/signals";
import { readStored, writeStored } from "../stored.ts";

const STORED_AS = "igpt.key";

/** The API key that requests carry; "" for none. Kept for this tab only. */
export const apiKey = signal(readStored("sessionStorage", STORED_AS) ?? "");

effect(() => writeStored("sessionStorage", STORED_AS, apiKey.value || null));

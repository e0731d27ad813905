import type { Format } from "./format.ts";
import { JPEG } from "./jpeg/index.ts";
import { PNG } from "./png/index.ts";
import { WEBP } from "./webp/index.ts";

/** All that is read. The first ones are named where a message says what to send. */
export const FORMATS: readonly Format[] = [PNG, JPEG, WEBP];

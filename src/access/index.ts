/** Who may do what, and how much: the whole surface of this folder to the others. */

export { Access, metered, type Reservation, settleReservation } from "./access.ts";
export { type Caller, clientAddress, identify, pictureOwner } from "./caller.ts";
export { sha256 } from "./digest.ts";
export type { KeyRecord } from "./key-record.ts";
export { type Actor, type IssuedKey, KeyStore } from "./key-store.ts";
export type { Scope } from "./scopes.ts";

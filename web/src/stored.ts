/** What the browser keeps for this page: for the tab, or for the next visits too. A browser that keeps nothing throws. */

type Kept = "sessionStorage" | "localStorage";

export function readStored(kept: Kept, name: string): string | null {
  try {
    return window[kept].getItem(name);
  } catch {
    return null;
  }
}

/** @param value null takes it away */
export function writeStored(kept: Kept, name: string, value: string | null): void {
  try {
    if (value === null) window[kept].removeItem(name);
    else window[kept].setItem(name, value);
  } catch {
    // It is forgotten with the page.
  }
}

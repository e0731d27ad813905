// What the host sets once, after it has laid out the memory (src/model/engines/kernel/layout.ts has the one table of
// regions; each address here is a region of the same name). Exported globals: the kernel holds no other state.

/** The architecture: L, d, H, context length, palette size, 1 when linear layers have biases. */
export let layers: u32 = 0;
export let width: u32 = 0;
export let heads: u32 = 0;
export let positions: u32 = 0;
export let colors: u32 = 0;
export let biases: u32 = 0;

/** Entries of one page table: pages of a full context. */
export let tableEntries: u32 = 0;

/**
 * Where constants lie: the first region of every layout. Known here, and below the memory's declared minimum (build.mjs), so
 * that an engine that checks addresses in code has none to check.
 */
export const constants: usize = 64;

/** Addresses of the other regions. */
export let weights: usize = 0;
export let rowSums: usize = 0;
export let inputs: usize = 0;
export let rowPositions: usize = 0;
export let tables: usize = 0;
export let targets: usize = 0;
export let forced: usize = 0;
export let uniforms: usize = 0;
export let nll: usize = 0;
export let features: usize = 0;
export let state: usize = 0;
export let normed: usize = 0;
export let wide: usize = 0;
export let quantised: usize = 0;
export let rowScales: usize = 0;
export let queries: usize = 0;
export let queryStates: usize = 0;
export let scores: usize = 0;
export let logits: usize = 0;
export let order: usize = 0;

/** Stays 0. The compiler cannot know that, so that an address plus this is another one to it. */
export let zero: usize = 0;

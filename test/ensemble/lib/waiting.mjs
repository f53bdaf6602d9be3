export function pauseMs(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Waits until `condition` gives something, which is the result; throws when it never does. */
export async function eventually(what, condition, limitMs = 20_000, everyMs = 20) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pauseMs(everyMs);
  }
}

/** An action that several places may ask for and that is to happen once, at the first. */
export function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

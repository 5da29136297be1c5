/** The version of the specification that box implements. Alone, so that `--version` need not load the words besides. */
export const ociVersion = "1.3.0";

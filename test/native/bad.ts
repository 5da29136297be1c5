throw new Error("bad module");

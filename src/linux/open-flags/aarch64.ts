/** The flags of open(2) that have values of their own on aarch64: asm/fcntl.h. */
export const O_DIRECTORY = 0x4000;
export const O_NOFOLLOW = 0x8000;
export const O_TMPFILE = 0x404000;

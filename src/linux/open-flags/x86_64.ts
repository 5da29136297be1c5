/** The flags of open(2) that have values of their own on x86_64: asm/fcntl.h. */
export const O_DIRECTORY = 0x10000;
export const O_NOFOLLOW = 0x20000;
export const O_TMPFILE = 0x410000;

/** The result of one check, as it is handed out of an environment. */
export interface Line {
  readonly id: string;
  readonly outcome: "pass" | "fail" | "skip";
  readonly why?: string;
  readonly seconds: number;
}

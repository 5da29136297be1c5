/** The container's group of resctrl as data: made by resctrl/plan.ts, performed by the host side. */

export interface ResctrlOps {
  /** Where resctrl is mounted. */
  readonly mount: string;
  /** The directory of the class of service below it; empty for the default one, the mount itself. */
  readonly group: string;
  /** Whether the group is made where there is none. */
  readonly mayMake: boolean;
  /** Whether it goes with the container, if it was made for it. */
  readonly isOwn: boolean;
  /** Lines that a group which is there already must have. */
  readonly mustMatch: readonly string[];
  /** Lines of its `schemata`, in the order in which they are written. */
  readonly schemata: readonly string[];
  /** The name of a monitoring group in it. */
  readonly monitoring: string | undefined;
}

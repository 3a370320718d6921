/** What a job needs from the ComfyUI that runs it. */
export interface JobNeeds {
  personId: string;
  /** Node classes. */
  classes: readonly string[];
  /** Model files, as `folder/name`. */
  models: readonly string[];
  /** Least GPU memory in GiB; 0 when any will do. */
  vramGb: number;
}

/** What a ComfyUI has. What is undefined is not known, and excludes nothing. */
export interface InstanceOffer {
  classes?: ReadonlySet<string> | undefined;
  models?: ReadonlySet<string> | undefined;
  vramGb?: number | undefined;
  /** People whose jobs it runs, nobody else's. */
  reservedFor?: readonly string[] | undefined;
}

/** What keeps a job off a ComfyUI. */
export interface InstanceMismatch {
  classes: string[];
  models: string[];
  /** GiB that the job needs and the GPU does not have. */
  vramGb?: number;
  reserved: boolean;
}

/** Cards name their memory a little smaller than it is sold: a "12 GB" one reports 11.6 GiB and more. */
const VRAM_TOLERANCE = 0.93;

/** Whether this ComfyUI can and may run a job. */
export function fits(job: JobNeeds, { classes, models, vramGb, reservedFor }: InstanceOffer): boolean {
  return (
    (classes === undefined || job.classes.every((name) => classes.has(name))) &&
    (models === undefined || job.models.every((name) => models.has(name))) &&
    (vramGb === undefined || vramGb >= job.vramGb * VRAM_TOLERANCE) &&
    (reservedFor === undefined || reservedFor.includes(job.personId))
  );
}

/** Why this ComfyUI cannot or may not run a job; undefined when it can. */
export function mismatchOf(job: JobNeeds, offer: InstanceOffer): InstanceMismatch | undefined {
  if (fits(job, offer)) return undefined;
  const { classes, models, vramGb, reservedFor } = offer;
  const missingClasses = classes === undefined ? [] : job.classes.filter((name) => !classes.has(name));
  const missingModels = models === undefined ? [] : job.models.filter((name) => !models.has(name));
  const tooSmall = vramGb !== undefined && vramGb < job.vramGb * VRAM_TOLERANCE;
  const reserved = reservedFor !== undefined && !reservedFor.includes(job.personId);
  return {
    classes: missingClasses,
    models: missingModels,
    ...(tooSmall ? { vramGb: job.vramGb } : {}),
    reserved,
  };
}

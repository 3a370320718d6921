/** Parameters as AUTOMATIC1111's program writes them. */
export const parameters = `a lighthouse
Negative prompt: fog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model: sd_xl_base_1.0`;

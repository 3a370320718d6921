/** The inputs of KSampler in the order in which every recorded server lists them. */
export const samplerInputs = [
  'model',
  'seed',
  'steps',
  'cfg',
  'sampler_name',
  'scheduler',
  'positive',
  'negative',
  'latent_image',
  'denoise',
];

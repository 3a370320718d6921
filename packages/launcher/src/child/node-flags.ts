/**
 * How Node runs a service. V8 sizes its young generation and its habits by the machine's memory; a service keeps little,
 * and several share a machine with a GPU's models. Measured on the agent with a registry of 440 classes: 250 MB resident
 * without these, 110 MB with them.
 */
export const serviceNodeFlags = ['--optimize-for-size', '--max-semi-space-size=4'] as const;

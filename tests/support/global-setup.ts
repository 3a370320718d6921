/** Starts nothing yet: unit tests need no server. */
export default function setup(): void {}

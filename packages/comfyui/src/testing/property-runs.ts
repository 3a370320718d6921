/** Cases for a property test: ten times as many in `npm run test:full`. */
export function propertyRuns(count: number): number {
  return process.env['ATELIER_TEST_FULL'] === '1' ? count * 10 : count;
}

import { describe, expect, it } from 'vitest';
import { examine, formatFinding } from './finding.ts';

describe('examine', () => {
  it('turns what a check throws into a finding with advice, one line long', async () => {
    const findings = await examine('NATS', 'check NATS_URL', () => Promise.reject(new Error('no answer\nat line 2')));
    expect(findings).toEqual([{ name: 'NATS', state: 'broken', text: 'no answer', advice: 'check NATS_URL' }]);
    expect(findings.map(formatFinding)).toEqual(['✗ NATS         no answer\n               → check NATS_URL']);
  });
});

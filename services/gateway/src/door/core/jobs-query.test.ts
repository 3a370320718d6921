import { describe, expect, it } from 'vitest';
import { parseJobsQuery } from './jobs-query.ts';

const parse = (text: string) => parseJobsQuery(new URLSearchParams(text));

describe('the query of GET /api/jobs', () => {
  it('asks for everything, newest first, where it says nothing', () => {
    expect(parse('')).toEqual({
      statuses: ['pending', 'in_progress', 'completed', 'failed', 'cancelled'],
      workflowId: undefined,
      sortBy: 'created_at',
      isAscending: false,
      limit: null,
      offset: 0,
    });
  });

  it('is read without regard to case and blanks', () => {
    expect(
      parse('status= Pending,COMPLETED &sort_by=Execution_Duration&sort_order=ASC&limit=2&offset=-3&workflow_id=w'),
    ).toEqual({
      statuses: ['pending', 'completed'],
      workflowId: 'w',
      sortBy: 'execution_duration',
      isAscending: true,
      limit: 2,
      offset: 0,
    });
  });

  it.each([
    ['status=lost', /Invalid status/],
    ['sort_by=name', /sort_by/],
    ['sort_order=up', /sort_order/],
    ['limit=0', /positive/],
    ['limit=many', /limit must be an integer/],
    ['offset=1.5', /offset must be an integer/],
  ])('%s is refused', (text, message) => {
    expect(parse(text)).toEqual({ error: expect.stringMatching(message) });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecord } from '../../lib/aws/record.ts';

interface Step {
  startedAt: number;
  note?: string;
}

interface Journey {
  journeyId: string;
  isOver: boolean;
  steps: readonly Step[];
  endsAt?: number;
}

const journeys = createRecord<Journey>({
  journeyId: 'journey_id',
  isOver: 'over',
  steps: {
    attribute: 'steps',
    each: createRecord<Step>({ startedAt: 'started_at', note: 'note' }),
  },
  endsAt: 'expires_at',
});

describe('a record', () => {
  it('gives each name its attribute, in lists of records as well', () => {
    const journey = { journeyId: 'j', isOver: false, steps: [{ startedAt: 1, note: 'a' }] };
    expect(journeys.itemOf(journey)).toEqual({
      journey_id: 'j',
      over: false,
      steps: [{ started_at: 1, note: 'a' }],
    });
  });

  it('has no attribute for what is undefined, and no name for an attribute that is missing', () => {
    const item = journeys.itemOf({ journeyId: 'j', isOver: true, steps: [{ startedAt: 1 }] });
    expect(Object.keys(item)).toEqual(['journey_id', 'over', 'steps']);
    expect(Object.keys(journeys.valueOf(item))).toEqual(['journeyId', 'isOver', 'steps']);
  });

  it('keeps what is falsy', () => {
    const item = { journey_id: '', over: false, steps: [], expires_at: 0 };
    expect(journeys.valueOf(item)).toEqual({ journeyId: '', isOver: false, steps: [], endsAt: 0 });
  });

  it('passes over attributes that it does not know', () => {
    const item = { journey_id: 'j', over: false, steps: [], write_id: 'w' };
    expect(journeys.valueOf(item)).toEqual({ journeyId: 'j', isOver: false, steps: [] });
  });

  it('is read as it was written', () => {
    const step = fc.record(
      { startedAt: fc.nat(), note: fc.string() },
      { requiredKeys: ['startedAt'] },
    );
    const journey = fc.record(
      { journeyId: fc.string(), isOver: fc.boolean(), steps: fc.array(step), endsAt: fc.nat() },
      { requiredKeys: ['journeyId', 'isOver', 'steps'] },
    );
    fc.assert(
      fc.property(journey, (one) => {
        expect(journeys.valueOf(journeys.itemOf(one))).toEqual(one);
      }),
    );
  });
});

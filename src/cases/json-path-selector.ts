import { Children, type Evaluation, type Selector } from './json-path-evaluation.ts';

/** Decides whether a filter keeps a value (RFC 9535 section 2.3.5). */
export type Filter = (current: unknown, evaluation: Evaluation) => boolean;

/** `.name` (RFC 9535 section 2.3.1). Only own members: `$.constructor` selects nothing in `{}`. */
export function selectName(name: string): Selector {
  return (node, _evaluation, visit) => {
    const { value } = node;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    if (!Object.hasOwn(value, name)) return false;
    return visit({ value: (value as Record<string, unknown>)[name], parent: node, key: name });
  };
}

/** `.*` (RFC 9535 section 2.3.2). */
export const selectAll: Selector = (node, evaluation, visit) => {
  const children = new Children(node);
  for (let child = children.next(); child !== undefined; child = children.next()) {
    evaluation.spend(1);
    if (visit(child)) return true;
  }
  return false;
};

/** `[index]`, from the end where it is negative (RFC 9535 section 2.3.3). */
export function selectIndex(index: number): Selector {
  return (node, _evaluation, visit) => {
    const { value } = node;
    if (!Array.isArray(value)) return false;
    const at = index < 0 ? value.length + index : index;
    return at >= 0 && at < value.length && visit({ value: value[at], parent: node, key: at });
  };
}

/** `[start:end:step]` (RFC 9535 section 2.3.4, whose algorithm this is). A step of 0 selects nothing. */
export function selectSlice(start: number | undefined, end: number | undefined, step = 1): Selector {
  return (node, evaluation, visit) => {
    const { value } = node;
    if (!Array.isArray(value) || step === 0) return false;
    const { length } = value;
    const first = sliceBound(start ?? (step > 0 ? 0 : length - 1), length, step);
    const last = end === undefined ? (step > 0 ? length : -1) : sliceBound(end, length, step);
    for (let at = first; step > 0 ? at < last : at > last; at += step) {
      evaluation.spend(1);
      if (visit({ value: value[at], parent: node, key: at })) return true;
    }
    return false;
  };
}

function sliceBound(bound: number, length: number, step: number): number {
  const fromStart = bound < 0 ? length + bound : bound;
  return step > 0 ? Math.min(Math.max(fromStart, 0), length) : Math.min(Math.max(fromStart, -1), length - 1);
}

/** `[?filter]` (RFC 9535 section 2.3.5). */
export function selectWhere(keeps: Filter): Selector {
  return (node, evaluation, visit) => {
    const children = new Children(node);
    for (let child = children.next(); child !== undefined; child = children.next()) {
      evaluation.spend(1);
      if (keeps(child.value, evaluation) && visit(child)) return true;
    }
    return false;
  };
}

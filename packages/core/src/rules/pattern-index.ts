import type { IpAddress, Network } from '../ground/ip.js';
import type { Pattern, PatternList, Subject } from './pattern.js';

/** Numbers of rules in ascending order. */
type RuleNumbers = number[];

const GRAM = 3;

/**
 * Finds the rules whose patterns may match a text without looking at the others.
 *
 * Every positive pattern is filed once: an exact text under itself, a network under its length and prefix, a glob under
 * the text before its first wildcard, after its last one, or three characters between two, whichever has the fewest
 * rules already. A look-up then asks for each length that occurs. What it gives are candidates, to be matched in full.
 */
export class PatternIndex {
  readonly #exact = new Map<string, RuleNumbers>();
  readonly #prefixes = new AffixMap((text, length) => text.slice(0, length));
  readonly #suffixes = new AffixMap((text, length) => text.slice(text.length - length));
  readonly #grams = new Map<string, RuleNumbers>();
  readonly #networks = new Map<string, NetworkTier>();
  readonly #unindexed: RuleNumbers = [];

  /** Files the positive patterns of a rule. Rules must come in ascending order. */
  add(patterns: PatternList, rule: number): void {
    for (const pattern of patterns) if (!pattern.negated) append(this.#bucketFor(pattern), rule);
  }

  /** Ascending lists of the rules that may match; together they hold every rule that does. */
  candidates(subject: Subject): RuleNumbers[] {
    const lists = [this.#unindexed, this.#exact.get(subject.text) ?? []];
    this.#prefixes.collect(subject.text, lists);
    this.#suffixes.collect(subject.text, lists);
    if (this.#grams.size > 0) this.#collectGrams(subject.text, lists);
    if (subject.ip !== undefined) this.#collectNetworks(subject.ip, lists);
    return lists.filter((list) => list.length > 0);
  }

  #bucketFor({ test }: Pattern): RuleNumbers {
    switch (test.kind) {
      case 'exact':
        return bucket(this.#exact, test.text);
      case 'below': // the apex ends with the domain too, so one bucket holds both
        return this.#suffixes.bucket(test.domain);
      case 'network':
        return bucket(this.#tierOf(test.network).byPrefix, test.network.prefix);
      case 'glob':
        return this.#globBucket(test.glob);
    }
  }

  #tierOf({ bits, length }: Network): NetworkTier {
    const key = `${bits}/${length}`;
    const tier = this.#networks.get(key) ?? { bits, length, byPrefix: new Map<bigint, RuleNumbers>() };
    this.#networks.set(key, tier);
    return tier;
  }

  #globBucket(glob: string): RuleNumbers {
    const literals = glob.split(/[*?]/);
    const prefix = literals[0] ?? '';
    const suffix = literals.at(-1) ?? '';
    const choices: { readonly size: number; readonly open: () => RuleNumbers }[] = [];
    if (prefix !== '') choices.push({ size: this.#prefixes.size(prefix), open: () => this.#prefixes.bucket(prefix) });
    if (suffix !== '') choices.push({ size: this.#suffixes.size(suffix), open: () => this.#suffixes.bucket(suffix) });
    for (const gram of choices.length === 0 ? literals.flatMap(gramsOf) : []) {
      choices.push({ size: this.#grams.get(gram)?.length ?? 0, open: () => bucket(this.#grams, gram) });
    }
    const least = Math.min(...choices.map(({ size }) => size));
    return choices.find(({ size }) => size === least)?.open() ?? this.#unindexed;
  }

  #collectGrams(text: string, lists: RuleNumbers[]): void {
    for (const gram of new Set(gramsOf(text))) {
      const found = this.#grams.get(gram);
      if (found !== undefined) lists.push(found);
    }
  }

  #collectNetworks(ip: IpAddress, lists: RuleNumbers[]): void {
    for (const { bits, length, byPrefix } of this.#networks.values()) {
      const found = bits === ip.bits ? byPrefix.get(ip.value >> BigInt(bits - length)) : undefined;
      if (found !== undefined) lists.push(found);
    }
  }
}

/** All networks of one length. */
interface NetworkTier {
  readonly bits: 32 | 128;
  readonly length: number;
  readonly byPrefix: Map<bigint, RuleNumbers>;
}

/** Texts filed by the part that another text begins or ends with. */
class AffixMap {
  readonly #buckets = new Map<string, RuleNumbers>();
  readonly #lengths = new Set<number>();
  readonly #cut: (text: string, length: number) => string;

  constructor(cut: (text: string, length: number) => string) {
    this.#cut = cut;
  }

  size(affix: string): number {
    return this.#buckets.get(affix)?.length ?? 0;
  }

  bucket(affix: string): RuleNumbers {
    this.#lengths.add(affix.length);
    return bucket(this.#buckets, affix);
  }

  collect(text: string, lists: RuleNumbers[]): void {
    for (const length of this.#lengths) {
      const found = length <= text.length ? this.#buckets.get(this.#cut(text, length)) : undefined;
      if (found !== undefined) lists.push(found);
    }
  }
}

function bucket<Key>(map: Map<Key, RuleNumbers>, key: Key): RuleNumbers {
  const known = map.get(key) ?? [];
  if (known.length === 0) map.set(key, known);
  return known;
}

function append(list: RuleNumbers, rule: number): void {
  if (list.at(-1) !== rule) list.push(rule);
}

function gramsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - GRAM + 1) }, (_, start) => text.slice(start, start + GRAM));
}

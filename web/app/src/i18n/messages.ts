// What a message is, and how its text is made: parameters in braces, plural forms chosen by Intl.PluralRules.

/** Forms of a counted message. `other` is always there; the rest as the language needs. `{count}` is the number. */
export interface PluralForms {
  readonly one?: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}

export type Message = string | PluralForms;

type Names<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

/** The parameters that the English text of a message asks for. */
export type ParamsOf<M> = M extends string
  ? Names<M> extends never
    ? []
    : [params: Record<Names<M>, string | number>]
  : M extends { readonly other: infer Other extends string }
    ? [params: Record<Names<Other> | 'count', string | number> & { count: number }]
    : never;

export function isPlural(message: Message): message is PluralForms {
  return typeof message !== 'string';
}

export function formatMessage(
  message: Message,
  params: Readonly<Record<string, string | number>> | undefined,
  rules: Intl.PluralRules,
  numbers: Intl.NumberFormat,
): string {
  let text: string;
  if (isPlural(message)) {
    const form = rules.select(Number(params?.count ?? 0));
    text = (form in message ? message[form as keyof PluralForms] : undefined) ?? message.other;
  } else {
    text = message;
  }
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers.format(value) : value;
  });
}

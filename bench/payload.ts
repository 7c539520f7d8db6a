/** The answer that every contender gives or passes on: a small JSON document, as most API answers are. */
export const PAYLOAD = JSON.stringify({ id: 'prod_17', name: 'Tin kettle', price: 2450, inStock: true });

/** The path that the load asks for. */
export const PATH = '/items/5000';

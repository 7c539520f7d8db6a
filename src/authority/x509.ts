// The library's dependency injection (tsyringe) demands this polyfill before it loads.
import 'reflect-metadata';

/**
 * The X.509 library. Loading it takes some 75 ms of one core (measured on Node 24), in which nothing else runs:
 * only files that are themselves imported on demand may import this one.
 */
export * from '@peculiar/x509';

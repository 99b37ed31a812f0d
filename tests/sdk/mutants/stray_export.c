/* One symbol too many, in a module that is linked without a version script. */
int mutant_stray_export(void);
__attribute__((visibility("default"))) int mutant_stray_export(void) {
  return 0;
}

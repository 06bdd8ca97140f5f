/**
 * Returns the slug that authentik derives from an outpost's name. It names the outpost's Deployment and its pods' label
 * `goauthentik.io/outpost-name`. The steps are those of `django.utils.text.slugify` without allow_unicode: accents fall off and
 * letters beyond ASCII vanish, so a name may leave nothing.
 */
export function slugify(name: string): string {
  return (
    name
      .normalize("NFKD")
      // eslint-disable-next-line no-control-regex -- ASCII is what is kept
      .replace(/[^\x00-\x7f]/g, "")
      .toLowerCase()
      // Python's \s also matches the four separators 0x1c to 0x1f, JavaScript's does not.
      // eslint-disable-next-line no-control-regex
      .replace(/[^\w\t-\r\x1c-\x1f -]/g, "")
      // eslint-disable-next-line no-control-regex
      .replace(/[-\t-\r\x1c-\x1f ]+/g, "-")
      .replace(/^[-_]+|[-_]+$/g, "")
  );
}

//! CPE names (NISTIR 7695): what an inventory calls software that no package manager knows.
//!
//! Two spellings name the same thing, the formatted string of CPE 2.3 and the URI of CPE 2.2.

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `*`, or left out.
    Any,
    /// `-`: the thing has none.
    NotApplicable,
    /// Lower case, without escapes.
    Is(String),
    /// With `*` or `?` in it, which stand for other characters.
    Pattern(String),
}

/// A name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpe {
    /// `a` application, `o` operating system, `h` hardware.
    pub part: char,
    pub vendor: String,
    pub product: String,
    pub version: Attribute,
    pub update: Attribute,
    /// Edition, language, software edition, target software, target hardware, other.
    rest: [Attribute; 6],
}

/// Behind a version that an advisory lists: with whatever update.
pub const EVERY_UPDATE: &str = ":*";
/// No name is longer; the dictionary's longest has some 250 characters.
const LENGTH_MAX: usize = 2048;
/// Updates that come before the version that they are of.
const BEFORE_RELEASE: &[&str] = &["alpha", "beta", "dev", "pre", "preview", "rc", "snapshot", "milestone"];

impl Cpe {
    /// Reads a name; None for what is none, or names no single product.
    pub fn parse(text: &str) -> Option<Self> {
        let text = Some(text.trim()).filter(|text| text.len() <= LENGTH_MAX)?;
        let attributes = match text.get(..8)?.to_ascii_lowercase() {
            head if head == "cpe:2.3:" => formatted(text.get(8..)?)?,
            head if head.starts_with("cpe:/") => uri(text.get(5..)?)?,
            _ => return None,
        };
        let [part, vendor, product, version, update, rest @ ..] = attributes;
        let Attribute::Is(part) = part else { return None };
        let part = part.chars().next().filter(|letter| part.len() == 1 && "aho".contains(*letter))?;
        let (Attribute::Is(vendor), Attribute::Is(product)) = (vendor, product) else { return None };
        Some(Self { part, vendor, product, version, update, rest })
    }

    /// What advisories are kept under: part, vendor and product.
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.part, shielded(&self.vendor), shielded(&self.product))
    }

    /// The version that an advisory lists by this name; None when it leaves it open or has a pattern. Without an update it
    /// means all updates of the version ([`EVERY_UPDATE`]), and only `-` means the version alone.
    pub fn listed(&self) -> Option<String> {
        match self.update {
            Attribute::Any => self.version().map(|version| version + EVERY_UPDATE),
            Attribute::Pattern(_) => None,
            Attribute::NotApplicable | Attribute::Is(_) => self.version(),
        }
    }

    /// The version with its update, as it is compared; None when the name leaves it open.
    pub fn version(&self) -> Option<String> {
        let Attribute::Is(version) = &self.version else { return None };
        Some(match &self.update {
            Attribute::Is(update) if BEFORE_RELEASE.iter().any(|word| update.starts_with(word)) => {
                format!("{version}~{update}")
            }
            Attribute::Is(update) => format!("{version}-{update}"),
            _ => version.clone(),
        })
    }

    /// What the name says behind the update, in one text; None when it leaves all of it open.
    pub fn qualifiers(&self) -> Option<String> {
        let open = self.rest.iter().all(|attribute| *attribute == Attribute::Any);
        let word = |attribute: &Attribute| match attribute {
            Attribute::Is(value) => shielded(value),
            Attribute::NotApplicable => "-".to_owned(),
            // Of a pattern nothing is concluded.
            Attribute::Any | Attribute::Pattern(_) => "*".to_owned(),
        };
        (!open).then(|| self.rest.iter().map(word).collect::<Vec<_>>().join(":"))
    }
}

/// Do the qualifiers of an advisory and of a component agree? What one of them leaves open fits anything.
pub fn qualifiers_fit(advisory: &str, component: Option<&str>) -> bool {
    let Some(component) = component else { return true };
    let mut pairs = advisory.split(':').zip(component.split(':'));
    pairs.all(|(one, other)| one == "*" || other == "*" || one == other)
}

/// The version itself, and what is left of it without an update behind it (`1.0` of `1.0~rc1` and of `1.0-sp1`). A version
/// may have such signs of its own, so all are tried.
pub fn without_update(version: &str) -> impl Iterator<Item = &str> {
    let shorter = version.match_indices(['~', '-']).filter_map(|(at, _)| version.get(..at));
    shorter.chain([version])
}

fn shielded(value: &str) -> String {
    value.replace('%', "%25").replace(':', "%3a")
}

/// The eleven attributes of a formatted string.
fn formatted(text: &str) -> Option<[Attribute; 11]> {
    let mut attributes = Vec::with_capacity(11);
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if !escaped => {
                attributes.push(unescaped(text.get(start..at)?)?);
                start = at + 1;
            }
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    attributes.push(unescaped(text.get(start..)?)?);
    attributes.try_into().ok()
}

fn unescaped(text: &str) -> Option<Attribute> {
    match text {
        "*" => return Some(Attribute::Any),
        "-" => return Some(Attribute::NotApplicable),
        "" => return None,
        _ => {}
    }
    let (mut value, mut pattern, mut escaped) = (String::with_capacity(text.len()), false, false);
    for letter in text.chars() {
        match letter {
            '\\' if !escaped => escaped = true,
            letter => {
                pattern |= !escaped && matches!(letter, '*' | '?');
                value.extend(letter.to_lowercase());
                escaped = false;
            }
        }
    }
    Some(if pattern { Attribute::Pattern(value) } else { Attribute::Is(value) })
}

/// The seven attributes of a URI, of which the sixth may hold five more (`~edition~software~…`).
fn uri(text: &str) -> Option<[Attribute; 11]> {
    let mut attributes = vec![Attribute::Any; 11];
    for (at, component) in text.split(':').enumerate() {
        let slot = attributes.get_mut(at).filter(|_| at < 7)?;
        if at == 5 && component.starts_with('~') {
            let packed: Vec<Attribute> = component.split('~').skip(1).map(decoded).collect::<Option<_>>()?;
            let [edition, more @ ..]: [Attribute; 5] = packed.try_into().ok()?;
            *slot = edition;
            attributes.get_mut(7..)?.clone_from_slice(&more);
        } else {
            *slot = decoded(component)?;
        }
    }
    attributes.try_into().ok()
}

fn decoded(component: &str) -> Option<Attribute> {
    match component {
        "" => return Some(Attribute::Any),
        "-" => return Some(Attribute::NotApplicable),
        _ => {}
    }
    let (mut bytes, mut pattern) = (Vec::with_capacity(component.len()), false);
    let mut rest = component.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let byte = if byte == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            rest = rest.get(2..)?;
            u8::from_str_radix(hex, 16).ok()?
        } else {
            byte
        };
        // `%01` and `%02` are the wildcards.
        pattern |= matches!(byte, 1 | 2);
        bytes.push(byte);
    }
    let value = String::from_utf8(bytes).ok()?.to_lowercase();
    Some(if pattern { Attribute::Pattern(value) } else { Attribute::Is(value) })
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Cpe, qualifiers_fit, without_update};

    fn cpe(text: &str) -> Cpe {
        Cpe::parse(text).unwrap_or_else(|| panic!("{text} is a name"))
    }

    // NISTIR 7695, section 6, has the same names in both spellings.
    #[test]
    fn both_spellings_name_the_same_thing() {
        for (formatted, uri) in [
            (
                "cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*",
                "cpe:/a:microsoft:internet_explorer:8.0.6001:beta",
            ),
            (
                r"cpe:2.3:a:hp:insight_diagnostics:7.4.0.1570:-:*:*:online:win2003:x64:*",
                "cpe:/a:hp:insight_diagnostics:7.4.0.1570:-:~~online~win2003~x64~",
            ),
            (
                r"cpe:2.3:a:foo\\bar:big\$money:2010:*:*:*:special:ipod_touch:80gb:*",
                "cpe:/a:foo%5cbar:big%24money:2010::~~special~ipod_touch~80gb~",
            ),
        ] {
            assert_eq!(cpe(formatted), cpe(uri));
        }
        assert_eq!(cpe(r"cpe:2.3:a:foo\\bar:big\$money:2010:*:*:*:*:*:*:*").name(), r"a:foo\bar:big$money");
        assert_eq!(cpe(r"cpe:2.3:a:a\:b:C:1:*:*:*:*:*:*:*").name(), "a:a%3ab:c");
    }

    #[test]
    fn the_version_carries_its_update_and_what_is_left_open_is_none() {
        let version = |text| cpe(text).version();
        assert_eq!(version("cpe:2.3:a:v:p:1.0:rc1:*:*:*:*:*:*").as_deref(), Some("1.0~rc1"));
        assert_eq!(version("cpe:2.3:a:v:p:1.0:sp1:*:*:*:*:*:*").as_deref(), Some("1.0-sp1"));
        assert_eq!(version("cpe:2.3:a:v:p:1.0:-:*:*:*:*:*:*").as_deref(), Some("1.0"));
        assert_eq!(version("cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"), None);
        assert_eq!(version("cpe:2.3:a:v:p:-:*:*:*:*:*:*:*"), None);
        let listed = |text| cpe(text).listed();
        assert_eq!(listed("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*").as_deref(), Some("1.0:*"));
        assert_eq!(listed("cpe:2.3:a:v:p:1.0:-:*:*:*:*:*:*").as_deref(), Some("1.0"));
        assert_eq!(listed("cpe:2.3:a:v:p:1.0:sp1:*:*:*:*:*:*").as_deref(), Some("1.0-sp1"));
        assert_eq!(listed("cpe:2.3:a:v:p:1.0:sp*:*:*:*:*:*:*"), None);
        assert_eq!(listed("cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"), None);
        assert_eq!(without_update("1.0-2~rc1").collect::<Vec<_>>(), ["1.0", "1.0-2", "1.0-2~rc1"]);
        assert_eq!(cpe("cpe:2.3:a:v:p:1.*:*:*:*:*:*:*:*").version, Attribute::Pattern("1.*".into()));
    }

    #[test]
    fn qualifiers_differ_only_where_both_sides_say_something() {
        let lts = cpe("cpe:2.3:a:nodejs:node.js:*:*:*:*:lts:*:*:*").qualifiers().expect("some");
        let current = cpe("cpe:2.3:a:nodejs:node.js:20.1.0:*:*:*:-:*:*:*").qualifiers();
        assert_eq!(lts, "*:*:lts:*:*:*");
        assert!(!qualifiers_fit(&lts, current.as_deref()));
        assert!(qualifiers_fit(&lts, None) && qualifiers_fit(&lts, Some("*:*:lts:linux:*:*")));
        assert_eq!(cpe("cpe:2.3:a:v:p:1:*:*:*:*:*:*:*").qualifiers(), None);
    }

    #[test]
    fn what_names_no_product_is_no_name() {
        for text in [
            "",
            "cpe",
            "cpe:2.3:a:v:p",
            "cpe:2.3:a:v:p:1:*:*:*:*:*:*:*:*",
            "cpe:2.3:x:v:p:1:*:*:*:*:*:*:*",
            "cpe:2.3:a:*:p:1:*:*:*:*:*:*:*",
            "cpe:2.3:a:v:-:1:*:*:*:*:*:*:*",
            "cpe:2.3:a:v*:p:1:*:*:*:*:*:*:*",
            "cpe:2.3:a::p:1:*:*:*:*:*:*:*",
            "cpe:/a:v",
            "cpe:/a:v:p%zz",
            "cpe:/a:v:p:1:2:3:4:5",
            "cpe:/\u{e9}",
            "\u{1f980}\u{1f980}\u{1f980}",
        ] {
            assert_eq!(Cpe::parse(text), None, "{text}");
        }
    }
}

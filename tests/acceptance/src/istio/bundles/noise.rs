//! What happens to PEM on its way through editors, templates and shells.

/// One such accident, to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// CRLF at the ends of lines.
    CrLf,
    /// What `openssl x509 -text` and `openssl s_client` write before each block.
    TextBetween,
    /// Every line indented, as in a heredoc.
    Indented,
    /// Every line but the first of each block indented.
    HalfIndented,
    /// The end of a block and the beginning of the next on one line.
    Glued,
    /// The last line without its end.
    NoFinalNewline,
    /// Words after the last block.
    TrailingText,
    /// The beginning of another block after the last one.
    TrailingBegin,
    /// Words before the first block.
    LeadingText,
    /// An empty line after each line with the end of a block.
    BlankLines,
    /// An empty line within the first block.
    BlankWithin,
    /// Blanks at the ends of lines.
    TrailingBlanks,
    /// U+FEFF at the beginning.
    ByteOrderMark,
    /// The older label `X509 CERTIFICATE`.
    OlderLabel,
    /// OpenSSL's label `TRUSTED CERTIFICATE`.
    TrustedLabel,
    /// Headers as in RFC 1421 in the first block.
    Headers,
    /// A block's base64 on one line.
    OneLine,
    /// A block's base64 in short lines.
    ShortLines,
    /// The last third is missing.
    CutShort,
    /// One letter in the middle of the first block is another one.
    Flipped,
    /// One letter in the middle of the first block is none of base64.
    NotBase64,
    /// The first block ends with another label than it begins with.
    OtherEnd,
    /// Base64 once more, as `kubectl get -o yaml` shows it.
    TwiceEncoded,
    /// There, and empty.
    Emptied,
    /// A newline and nothing else.
    OnlyNewline,
    /// Not there.
    Removed,
}

impl Noise {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::CrLf,
        Self::TextBetween,
        Self::Indented,
        Self::HalfIndented,
        Self::Glued,
        Self::NoFinalNewline,
        Self::TrailingText,
        Self::TrailingBegin,
        Self::LeadingText,
        Self::BlankLines,
        Self::BlankWithin,
        Self::TrailingBlanks,
        Self::ByteOrderMark,
        Self::OlderLabel,
        Self::TrustedLabel,
        Self::Headers,
        Self::OneLine,
        Self::ShortLines,
        Self::CutShort,
        Self::Flipped,
        Self::NotBase64,
        Self::OtherEnd,
        Self::TwiceEncoded,
        Self::Emptied,
        Self::OnlyNewline,
        Self::Removed,
    ];

    /// The file after it; `None` when there is no file any longer.
    pub(super) fn on(self, text: &str) -> Option<String> {
        Some(match self {
            Self::CrLf => text.replace('\n', "\r\n"),
            Self::TextBetween => text.replace(BEGIN, &format!("subject=CN = x\n\n{BEGIN}")),
            Self::Indented => each_line(text, |line| format!("    {line}\n")),
            Self::HalfIndented => text.replace('\n', "\n    ").replace("    -----B", "-----B"),
            Self::Glued => text.replace("-----\n-----BEGIN", "----------BEGIN"),
            Self::NoFinalNewline => text.trim_end().to_owned(),
            Self::TrailingText => format!("{text}# rotated by hand\n"),
            Self::TrailingBegin => format!("{text}-----BEGIN CERTIFICATE-----\n"),
            Self::LeadingText => format!("# rotated by hand\n{text}"),
            Self::BlankLines => text.replace("-----\n-----BEGIN", "-----\n\n-----BEGIN"),
            Self::BlankWithin => text.replacen("-----\n", "-----\n\n", 1),
            Self::TrailingBlanks => each_line(text, |line| format!("{line}  \n")),
            Self::ByteOrderMark => format!("\u{FEFF}{text}"),
            Self::OlderLabel => text.replace(" CERTIFICATE-", " X509 CERTIFICATE-"),
            Self::TrustedLabel => text.replace(" CERTIFICATE-", " TRUSTED CERTIFICATE-"),
            Self::Headers => text.replacen("-----\n", "-----\nProc-Type: 4,CLEAR\n\n", 1),
            Self::OneLine => rewrapped(text, usize::MAX),
            Self::ShortLines => rewrapped(text, 20),
            Self::CutShort => text.chars().take(text.len() * 2 / 3).collect(),
            Self::Flipped => with_middle(text, |letter| if letter == 'A' { 'B' } else { 'A' }),
            Self::NotBase64 => with_middle(text, |_| '*'),
            Self::OtherEnd => text.replacen("-----END ", "-----END OLD ", 1),
            Self::TwiceEncoded => twice(text),
            Self::Emptied => String::new(),
            Self::OnlyNewline => "\n".to_owned(),
            Self::Removed => return None,
        })
    }
}

const BEGIN: &str = "-----BEGIN";

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(change).collect()
}

/// Base64 in lines of another length.
fn rewrapped(text: &str, length: usize) -> String {
    let (mut out, mut body) = (String::new(), String::new());
    for line in text.lines() {
        if !line.starts_with("-----") {
            body.push_str(line);
            continue;
        }
        let letters: Vec<char> = body.drain(..).collect();
        for line in letters.chunks(length.min(letters.len().max(1))) {
            out.extend(line);
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Another letter in the middle of the first block's base64.
fn with_middle(text: &str, change: impl Fn(char) -> char) -> String {
    let end = text.find("-----END").unwrap_or(text.len());
    let middle = text[..end].char_indices().nth(end / 2);
    let Some((at, letter)) = middle.filter(|(_, letter)| *letter != '\n') else {
        return text.to_owned();
    };
    let mut changed = text.to_owned();
    changed.replace_range(at..=at, &change(letter).to_string());
    changed
}

fn twice(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

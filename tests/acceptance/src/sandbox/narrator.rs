//! How the walk is told: short lines, commands before they run, their output indented.

/// Tells somebody line by line what happens.
pub struct Narrator<'a> {
    tell: &'a mut (dyn FnMut(&str) + Send),
    chapters: usize,
}

/// How far a fact's value is from the left edge of its name.
const NAMES: usize = 18;

impl<'a> Narrator<'a> {
    /// One who gives each line, without its end, to `tell`.
    pub fn new(tell: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        Self { tell, chapters: 0 }
    }

    /// Says something at the left edge.
    pub fn plain(&mut self, text: &str) {
        text.lines().for_each(|line| (self.tell)(line));
    }

    /// Says the last word.
    pub fn end(&mut self, text: &str) {
        self.blank();
        self.plain(text);
    }

    /// Begins a new part of the walk.
    pub fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        let line = format!("{}. {title}", self.chapters);
        self.blank();
        (self.tell)(&line);
    }

    /// Says what happens and why.
    pub fn say(&mut self, line: &str) {
        (self.tell)(format!("   {line}").trim_end());
    }

    /// Keeps two thoughts apart.
    pub fn blank(&mut self) {
        (self.tell)("");
    }

    /// Says one thing that is so.
    pub fn fact(&mut self, name: &str, value: &str) {
        self.say(&format!("  {name:<NAMES$}{value}"));
    }

    /// Announces a command.
    pub fn command(&mut self, line: &str) {
        self.blank();
        self.say(&format!("$ {line}"));
    }

    /// Shows what a command said: colours, layout at its edges and the bodies of PEM blocks left
    /// out.
    pub fn output(&mut self, text: &str) {
        for line in without_pem(text) {
            self.say(&format!("    {line}"));
        }
    }
}

/// The lines of a text; of each PEM block there is one line, which says how many it had.
///
/// A CLI prints chains of certificates again and again, which nobody reads; and what is never
/// printed cannot be a key by mistake.
fn without_pem(text: &str) -> Vec<String> {
    let mut shown = Vec::new();
    let mut block: Option<(String, usize)> = None;
    for line in text.trim_matches('\n').lines().map(str::trim_end) {
        block = match block {
            Some((first, body)) if line.contains("-----END ") => {
                shown.push(cut(&first, body));
                None
            }
            Some((first, body)) => Some((first, body + 1)),
            None if line.contains("-----BEGIN ") => Some((line.to_owned(), 0)),
            None => {
                shown.push(line.to_owned());
                None
            }
        };
    }
    shown.extend(block.map(|(first, body)| cut(&first, body)));
    shown
}

fn cut(first: &str, body: usize) -> String {
    format!("{first} … ({body} lines)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tell: impl FnOnce(&mut Narrator<'_>)) -> Vec<String> {
        let mut lines = Vec::new();
        tell(&mut Narrator::new(&mut |line| lines.push(line.to_owned())));
        lines
    }

    #[test]
    fn chapters_are_counted_and_what_belongs_to_them_is_indented() {
        let lines = told(|narrator| {
            narrator.chapter("First");
            narrator.say("why");
            narrator.chapter("Second");
            narrator.fact("Subject", "CN=it");
            narrator.command("tofu plan");
            narrator.output("\n\nNo changes.  \n\nYour\n");
        });
        let expected = [
            "",
            "1. First",
            "   why",
            "",
            "2. Second",
            "     Subject           CN=it",
            "",
            "   $ tofu plan",
            "       No changes.",
            "",
            "       Your",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_body_of_a_pem_block_is_never_shown() {
        let text = "  ~ it = <<-EOT\n        -----BEGIN PRIVATE KEY-----\n        MIGH\n        AgEA\n        \
                    -----END PRIVATE KEY-----\n    EOT\n";
        let expected = [
            "  ~ it = <<-EOT",
            "        -----BEGIN PRIVATE KEY----- … (2 lines)",
            "    EOT",
        ];
        assert_eq!(without_pem(text), expected);
    }

    #[test]
    fn a_pem_block_that_is_cut_off_is_not_shown_either() {
        assert_eq!(
            without_pem("-----BEGIN PRIVATE KEY-----\nMIGH\n"),
            ["-----BEGIN PRIVATE KEY----- … (1 lines)"]
        );
    }
}

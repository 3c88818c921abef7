//! What istiod says about itself by HTTP.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The body of a page, if it is answered with 200.
pub(super) async fn page(address: &str, path: &str) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    // Of this version an answer ends where the connection ends.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(body(&String::from_utf8_lossy(&answer)))
}

fn body(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.split(' ').nth(1) == Some("200")).then(|| body.to_owned())
}

/// The value of a gauge without labels in Prometheus' text format.
pub(super) fn gauge(page: &str, name: &str) -> Option<f64> {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .and_then(|value| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_whole_name() {
        let page = "# HELP end When.\n# TYPE end gauge\nend_seconds 12\nend 2.110688604e+09\n";
        assert_eq!(gauge(page, "end"), Some(2_110_688_604.0));
        assert_eq!(gauge(page, "en"), None);
        assert_eq!(gauge(page, "beginning"), None);
    }

    #[test]
    fn only_200_has_a_body() {
        assert_eq!(
            body("HTTP/1.0 200 OK\r\nDate: now\r\n\r\nok"),
            Some("ok".into())
        );
        assert_eq!(body("HTTP/1.0 503 No\r\n\r\nok"), None);
        assert_eq!(body(""), None);
    }
}

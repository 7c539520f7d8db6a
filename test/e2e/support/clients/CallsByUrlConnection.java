import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;

/** Calls an origin by HttpURLConnection, and prints what it answered: `java CallsByUrlConnection.java URL`. */
class CallsByUrlConnection {
  public static void main(String[] arguments) throws Exception {
    for (int call = 0; call < 2; call++) print(open(arguments[0] + "/next"));
    HttpURLConnection echo = open(arguments[0] + "/echo");
    echo.setDoOutput(true);
    try (OutputStream body = echo.getOutputStream()) {
      body.write("hello".getBytes("UTF-8"));
    }
    print(echo);
  }

  private static HttpURLConnection open(String url) throws Exception {
    return (HttpURLConnection) new URL(url).openConnection();
  }

  private static void print(HttpURLConnection connection) throws Exception {
    try (InputStream body = connection.getInputStream()) {
      System.out.println(connection.getResponseCode() + " " + new String(body.readAllBytes(), "UTF-8"));
    }
  }
}

import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** POSTs each of the bodies to a URL, by a client as it is by default. Arguments: URL, proxy port or 0, bodies. */
class HttpPost {
  public static void main(String[] args) throws Exception {
    var builder = HttpClient.newBuilder();
    int port = Integer.parseInt(args[1]);
    if (port > 0) builder.proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", port)));
    var client = builder.build();
    for (int i = 2; i < args.length; i++) {
      var request = HttpRequest.newBuilder(URI.create(args[0])).POST(BodyPublishers.ofString(args[i])).build();
      var response = client.send(request, BodyHandlers.ofString());
      System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
    }
  }
}

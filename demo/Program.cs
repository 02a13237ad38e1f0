using Emojivoto.Emojis;
using Emojivoto.Monitoring;
using Emojivoto.Voting;
using Emojivoto.VoteBot;
using Emojivoto.Web;

// One program, five workloads: emoji and voting (gRPC), web (HTTP and HTTPS, a page to click on), vote-bot (HTTP to web), prometheus (scrapes).
const string Usage = """
    Usage:
      Demo emoji    --listen IP:PORT
      Demo voting   --listen IP:PORT
      Demo web      --listen IP:PORT --emoji http://HOST:PORT --voting http://HOST:PORT [--listen-tls IP:PORT --tls-name NAME]
      Demo vote-bot --web http://HOST:PORT [--votes-per-second N]
      Demo prometheus --targets http://HOST:PORT/metrics,...
    """;

try
{
    var settings = new ConfigurationBuilder().AddCommandLine(args.Skip(1).ToArray()).Build();
    await (args.FirstOrDefault() switch
    {
        "emoji" => EmojiApp.RunAsync(Required("listen")),
        "voting" => VotingApp.RunAsync(Required("listen")),
        "web" => WebApp.RunAsync(Required("listen"), new Uri(Required("emoji")), new Uri(Required("voting")), settings["listen-tls"] is { } tls ? (tls, Required("tls-name")) : null),
        "vote-bot" => VoteBotApp.RunAsync(new Uri(Required("web")), settings.GetValue("votes-per-second", 10)),
        "prometheus" => PrometheusApp.RunAsync([.. Required("targets").Split(',').Select(target => new Uri(target))]),
        _ => throw new ArgumentException(Usage),
    });
    return 0;

    string Required(string name) => settings[name] ?? throw new ArgumentException($"--{name} is missing.\n{Usage}");
}
catch (Exception mistake) when (mistake is ArgumentException or UriFormatException or FormatException)
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 2;
}

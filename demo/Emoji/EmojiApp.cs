using Emojivoto.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Emojivoto.Emojis;

/// <summary>The workload <c>emoji</c>: which emojis there are.</summary>
internal static class EmojiApp
{
    public static async Task RunAsync(string listen)
    {
        var builder = Hosting.CreateBuilder(listen, HttpProtocols.Http2);
        builder.Services.AddGrpc();
        await using var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.RunAsync();
    }

    private sealed class Service : EmojiService.EmojiServiceBase
    {
        private static readonly Dictionary<string, Emoji> All = new (string Shortcode, string Text)[]
        {
            ("joy", "😂"), ("sunglasses", "😎"), ("doughnut", "🍩"), ("heart_eyes_cat", "😻"), ("rocket", "🚀"), ("fire", "🔥"),
            ("pizza", "🍕"), ("taco", "🌮"), ("beer", "🍺"), ("ghost", "👻"), ("octopus", "🐙"), ("unicorn", "🦄"), ("rainbow", "🌈"),
            ("balloon", "🎈"), ("tada", "🎉"), ("guitar", "🎸"), ("bicycle", "🚲"), ("sailboat", "⛵"), ("house", "🏠"), ("key", "🔑"),
            ("lock", "🔒"), ("dart", "🎯"), ("crown", "👑"), ("four_leaf_clover", "🍀"), ("cactus", "🌵"), ("snowman", "⛄"),
            ("rose", "🌹"), ("honeybee", "🐝"), ("turtle", "🐢"), ("whale", "🐳"),
        }.ToDictionary(emoji => emoji.Shortcode, emoji => new Emoji { Shortcode = emoji.Shortcode, Text = emoji.Text });

        public override Task<ListAllResponse> ListAll(ListAllRequest request, ServerCallContext context) =>
            Task.FromResult(new ListAllResponse { Emojis = { All.Values } });

        public override Task<FindResponse> Find(FindRequest request, ServerCallContext context) =>
            Task.FromResult(new FindResponse { Emoji = All.GetValueOrDefault(request.Shortcode) });
    }
}
